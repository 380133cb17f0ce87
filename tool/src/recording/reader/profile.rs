//! Call sites and what CPUs did, in a range of steps.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::Connection;

use crate::model::{
    Call, CallSite, Class, CpuSite, EndpointKind, Estimate, ProcessId, Profile, Sharing, SiteKind,
};
use crate::recording::names;
use crate::recording::reader::stacks::Stacks;
use crate::recording::reader::steps::Range;
use crate::recording::reader::{Wanted, named, unsigned, wrong};
use crate::recording::since::less_of;

/// Reads the sites of the processes that are wanted; how was sampled, and builds, are left out.
pub(super) fn read(file: &Connection, range: &Range, wanted: &Wanted) -> rusqlite::Result<Profile> {
    let stacks = Stacks::read(file)?;
    Ok(Profile {
        call_sites: call_sites(file, range, wanted, &stacks)?,
        cpu: cpu_sites(file, range, wanted, &stacks)?,
        ..Profile::default()
    })
}

/// Sums of a site.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    samples: u64,
    bytes: Estimate,
    calls: Estimate,
}

/// Sums of CPUs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ticks {
    samples: u64,
    pub(super) time: Duration,
}

fn call_sites(
    file: &Connection,
    range: &Range,
    wanted: &Wanted,
    stacks: &Stacks,
) -> rusqlite::Result<Vec<CallSite>> {
    let mut sums: HashMap<i64, (Sums, Sums)> = HashMap::new();
    let mut query = file.prepare("SELECT * FROM site_sum WHERE step <= ?1 ORDER BY step")?;
    let mut rows = query.query([range.last])?;
    while let Some(row) = rows.next()? {
        let sum = Sums {
            samples: unsigned(row, 2)?,
            bytes: Estimate {
                value: row.get(3)?,
                variance: row.get(4)?,
            },
            calls: Estimate {
                value: row.get(5)?,
                variance: row.get(6)?,
            },
        };
        let (before, last) = sums.entry(row.get(1)?).or_default();
        if row.get::<_, u32>(0)? < range.first {
            *before = sum;
        }
        *last = sum;
    }
    let mut query = file.prepare(
        "SELECT id, process, kind, call, source, sink, class, sharing, source_name, sink_name,
             write_stack, read_stack, kernel_stack
         FROM site ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    let mut sites = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(process) = wanted.process(row, 1)? else {
            continue;
        };
        let (before, last) = sums.get(&row.get(0)?).copied().unwrap_or_default();
        let sum = last.since(before);
        if sum.samples == 0 {
            continue;
        }
        let write = stacks.stack(row, 10)?;
        sites.push(CallSite {
            process,
            kind: named(row, 2, SiteKind::ALL, names::site_kind)?,
            call: named(row, 3, Call::ALL, Call::name)?,
            source: named(row, 4, EndpointKind::ALL, EndpointKind::name)?,
            sink: named(row, 5, EndpointKind::ALL, EndpointKind::name)?,
            class: named(row, 6, Class::ALL, Class::name)?,
            sharing: named(row, 7, Sharing::ALL, Sharing::name)?,
            source_name: stacks.string(row, 8)?,
            sink_name: stacks.string(row, 9)?,
            write: write.ok_or_else(|| wrong(10, "a site has no stack".to_owned()))?,
            read: stacks.stack(row, 11)?,
            kernel: stacks.stack(row, 12)?,
            samples: sum.samples,
            bytes: sum.bytes,
            calls: sum.calls,
        });
    }
    Ok(sites)
}

fn cpu_sites(
    file: &Connection,
    range: &Range,
    wanted: &Wanted,
    stacks: &Stacks,
) -> rusqlite::Result<Vec<CpuSite>> {
    let mut sums: HashMap<i64, (Ticks, Ticks)> = HashMap::new();
    visit_ticks(file, range, |step, site, ticks| {
        let (before, last) = sums.entry(site).or_default();
        if step < range.first {
            *before = ticks;
        }
        *last = ticks;
    })?;
    let mut query = file.prepare(
        "SELECT id, process, syscall, user_stack, kernel_stack FROM cpu_site ORDER BY id",
    )?;
    let mut rows = query.query([])?;
    let mut sites = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(process) = wanted.process(row, 1)? else {
            continue;
        };
        let (before, last) = sums.get(&row.get(0)?).copied().unwrap_or_default();
        let samples = last.samples.saturating_sub(before.samples);
        if samples > 0 {
            sites.push(CpuSite {
                process,
                syscall: row.get(2)?,
                user: stacks.stack(row, 3)?,
                kernel: stacks.stack(row, 4)?,
                samples,
                time: last.time.saturating_sub(before.time),
            });
        }
    }
    Ok(sites)
}

/// Shows the sums of CPUs of all steps until the end of the range, in the order of the steps.
pub(super) fn visit_ticks(
    file: &Connection,
    range: &Range,
    mut show: impl FnMut(u32, i64, Ticks),
) -> rusqlite::Result<()> {
    let mut query = file.prepare("SELECT * FROM cpu_sum WHERE step <= ?1 ORDER BY step")?;
    let mut rows = query.query([range.last])?;
    while let Some(row) = rows.next()? {
        let ticks = Ticks {
            samples: unsigned(row, 2)?,
            time: Duration::from_nanos(unsigned(row, 3)?),
        };
        show(row.get(0)?, row.get(1)?, ticks);
    }
    Ok(())
}

/// The processes of what CPUs did, by row; `None` where they are not wanted.
pub(super) fn cpu_processes(
    file: &Connection,
    wanted: &Wanted,
) -> rusqlite::Result<HashMap<i64, Option<ProcessId>>> {
    let mut query = file.prepare("SELECT id, process FROM cpu_site")?;
    let processes = query.query_map([], |row| Ok((row.get(0)?, wanted.process(row, 1)?)))?;
    processes.collect()
}

impl Sums {
    /// What came after `before`. Of all of a recording it is the sum itself, to the last bit.
    fn since(self, before: Self) -> Self {
        if before.samples == 0 {
            return self;
        }
        Self {
            samples: self.samples.saturating_sub(before.samples),
            bytes: less_of(self.bytes, before.bytes),
            calls: less_of(self.calls, before.calls),
        }
    }
}
