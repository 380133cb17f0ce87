//! Call sites and what CPUs did.

use rusqlite::{Connection, params};

use crate::model::{CallSite, CpuSite, Profile};
use crate::recording::names;
use crate::recording::writer::counters::Chunk;
use crate::recording::writer::processes::Processes;
use crate::recording::writer::stacks::Stacks;

/// Sites that are in the file, with their samples. Their rows are their places, from 1 on.
#[derive(Default)]
pub(super) struct Sites {
    pub(super) stacks: Stacks,
    call: Vec<u64>,
    cpu: Vec<u64>,
}

impl Sites {
    /// Writes the sites that are new, and the sums that have changed.
    pub(super) fn write(
        &mut self,
        file: &Connection,
        step: u32,
        profile: &Profile,
        processes: &mut Processes,
    ) -> rusqlite::Result<()> {
        for (index, site) in profile.call_sites.iter().enumerate() {
            let row = index.cast_signed() + 1;
            if index >= self.call.len() {
                let process = processes.row(file, site.process)?;
                insert_call_site(file, row, process, site, &mut self.stacks)?;
                self.call.push(0);
            }
            if self.call[index] != site.samples {
                self.call[index] = site.samples;
                file.prepare_cached("INSERT INTO site_sum VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute(params![
                        step,
                        row,
                        site.samples.cast_signed(),
                        site.bytes.value,
                        site.bytes.variance,
                        site.calls.value,
                        site.calls.variance,
                    ])?;
            }
        }
        for (index, site) in profile.cpu.iter().enumerate() {
            let row = index.cast_signed() + 1;
            if index >= self.cpu.len() {
                let process = processes.row(file, site.process)?;
                insert_cpu_site(file, row, process, site, &mut self.stacks)?;
                self.cpu.push(0);
            }
            if self.cpu[index] != site.samples {
                self.cpu[index] = site.samples;
                file.prepare_cached("INSERT INTO cpu_sum VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![
                        step,
                        row,
                        site.samples.cast_signed(),
                        super::step::nanoseconds(site.time),
                    ])?;
            }
        }
        Ok(())
    }
}

/// Keeps the last sum of each site in the steps of a chunk: sites have no use for a finer grain there.
pub(super) fn thin_out(file: &Connection, chunk: Chunk) -> rusqlite::Result<()> {
    for table in ["site_sum", "cpu_sum"] {
        file.prepare_cached(&format!(
            "DELETE FROM {table} WHERE step BETWEEN ?1 AND ?2 AND (step, site) NOT IN
                 (SELECT max(step), site FROM {table} WHERE step BETWEEN ?1 AND ?2 GROUP BY site)"
        ))?
        .execute(params![chunk.first_step, chunk.last_step])?;
    }
    Ok(())
}

fn insert_call_site(
    file: &Connection,
    row: isize,
    process: i64,
    site: &CallSite,
    stacks: &mut Stacks,
) -> rusqlite::Result<()> {
    let source_name = stacks.optional(file, site.source_name.as_ref())?;
    let sink_name = stacks.optional(file, site.sink_name.as_ref())?;
    let write = stacks.stack(file, &site.write)?;
    let mut optional = |stack: &Option<_>| {
        let row = stack.as_ref().map(|stack| stacks.stack(file, stack));
        row.transpose()
    };
    let (read, kernel) = (optional(&site.read)?, optional(&site.kernel)?);
    file.prepare_cached(
        "INSERT INTO site VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        row,
        process,
        names::site_kind(site.kind),
        site.call.name(),
        site.source.name(),
        site.sink.name(),
        site.class.name(),
        site.sharing.name(),
        source_name,
        sink_name,
        write,
        read,
        kernel,
    ])
    .map(drop)
}

fn insert_cpu_site(
    file: &Connection,
    row: isize,
    process: i64,
    site: &CpuSite,
    stacks: &mut Stacks,
) -> rusqlite::Result<()> {
    let mut optional = |stack: &Option<_>| {
        let row = stack.as_ref().map(|stack| stacks.stack(file, stack));
        row.transpose()
    };
    let (user, kernel) = (optional(&site.user)?, optional(&site.kernel)?);
    file.prepare_cached("INSERT INTO cpu_site VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![row, process, site.syscall, user, kernel])
        .map(drop)
}
