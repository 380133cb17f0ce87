//! What recordings say as Parquet tables, for databases; `docs/export.md` describes them.
//!
//! Each row names its recording and its machine, so that files of many exports can be queried as one.

mod column;
mod row;
mod table;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::analysis::fleet::Pool;
use crate::analysis::moments_by_process;
use crate::model::{Audit, ProcessFacts, ProcessId, Timeline};
use crate::report::recorded::Recorded;
use row::{Identity, Row, Who};
use table::Table;
use tables::{flows, measures, sites};

/// Intervals that a recording is cut into, at most.
pub const INTERVALS: usize = 512;

/// What is known of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFacts {
    /// Its name; its file has the suffix `.parquet`.
    pub name: &'static str,
    /// What a row of it is.
    pub about: &'static str,
    /// Its columns: name, type as DuckDB calls it, and what it says.
    pub columns: Vec<[&'static str; 3]>,
}

/// All tables.
#[must_use]
pub fn tables() -> Vec<TableFacts> {
    vec![
        tables::RECORDINGS.facts(&tables::recordings()),
        tables::LOSSES.facts(&tables::losses()),
        tables::PROCESSES.facts(&measures::processes()),
        tables::FLOWS.facts(&flows::columns()),
        tables::SAMPLES.facts(&sites::samples()),
        tables::CPU.facts(&sites::cpu()),
        tables::FINDINGS.facts(&flows::findings()),
        tables::INTERVALS.facts(&measures::intervals()),
    ]
}

/// Tables that are being written.
pub struct Export<W: Write + Send> {
    recordings: Table<W>,
    losses: Table<W>,
    processes: Table<W>,
    flows: Table<W>,
    samples: Table<W>,
    cpu: Table<W>,
    findings: Table<W>,
    intervals: Table<W>,
}

impl<W: Write + Send> Export<W> {
    /// Begins all tables; `open` gives each what it is written to.
    ///
    /// # Errors
    ///
    /// Those of `open`, and of what it gave.
    pub fn begin(mut open: impl FnMut(&'static str) -> io::Result<W>) -> io::Result<Self> {
        Ok(Self {
            recordings: Table::begin(&tables::RECORDINGS, &tables::recordings(), &mut open)?,
            losses: Table::begin(&tables::LOSSES, &tables::losses(), &mut open)?,
            processes: Table::begin(&tables::PROCESSES, &measures::processes(), &mut open)?,
            flows: Table::begin(&tables::FLOWS, &flows::columns(), &mut open)?,
            samples: Table::begin(&tables::SAMPLES, &sites::samples(), &mut open)?,
            cpu: Table::begin(&tables::CPU, &sites::cpu(), &mut open)?,
            findings: Table::begin(&tables::FINDINGS, &flows::findings(), &mut open)?,
            intervals: Table::begin(&tables::INTERVALS, &measures::intervals(), &mut open)?,
        })
    }

    /// Writes what counts of `recordings[index]`; without a `timeline` it has no intervals.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn write(
        &mut self,
        recordings: &[Recorded<'_>],
        pool: &Pool,
        index: usize,
        timeline: Option<&Timeline>,
    ) -> io::Result<()> {
        let recorded = &recordings[index];
        let audits: Vec<&Audit> = recordings.iter().map(|recorded| recorded.audit).collect();
        let identity = Identity::new(&audits, pool, index);
        let counted = Counted {
            recorded,
            identity: &identity,
            facts: facts(recorded.audit),
            is_counted: &|process| pool.counts(index, process),
        };
        let left_out = pool.overlaps.get(&index);
        let left_out = left_out.map_or(0, |overlap| overlap.processes.len());
        self.recordings
            .write(&tables::recordings(), [counted.row((recorded, left_out))])?;
        let losses = recorded.audit.loss.counters();
        let losses = losses.map(|loss| counted.row(loss));
        self.losses.write(&tables::losses(), losses)?;
        self.write_counts(&counted)?;
        self.write_samples(&counted)?;
        timeline.map_or(Ok(()), |timeline| self.write_intervals(&counted, timeline))
    }

    fn write_counts(&mut self, counted: &Counted<'_>) -> io::Result<()> {
        let audit = counted.recorded.audit;
        let processes = || {
            let processes = audit.processes.iter();
            processes.filter(|process| (counted.is_counted)(process.id))
        };
        let rows = processes().map(|process| counted.row_of(process.id, process));
        self.processes.write(&measures::processes(), rows)?;
        let rows = processes().flat_map(|process| {
            let flows = process.flows.iter();
            flows.map(|flow| counted.row_of(process.id, flow))
        });
        self.flows.write(&flows::columns(), rows)?;
        let findings = audit.findings.iter();
        let findings = findings.filter(|finding| (counted.is_counted)(finding.process));
        let rows = findings.map(|finding| counted.row_of(finding.process, finding));
        self.findings.write(&flows::findings(), rows)
    }

    fn write_samples(&mut self, counted: &Counted<'_>) -> io::Result<()> {
        let profile = counted.recorded.profile;
        let sites = profile.call_sites.iter();
        let sites = sites.filter(|site| (counted.is_counted)(site.process));
        let rows = sites.map(|site| counted.row_of(site.process, site.into()));
        self.samples.write(&sites::samples(), rows)?;
        let sites = profile.cpu.iter();
        let sites = sites.filter(|site| (counted.is_counted)(site.process));
        let rows = sites.map(|site| counted.row_of(site.process, site));
        self.cpu.write(&sites::cpu(), rows)
    }

    fn write_intervals(&mut self, counted: &Counted<'_>, timeline: &Timeline) -> io::Result<()> {
        let processes = moments_by_process(timeline).into_iter();
        let processes = processes.filter(|(id, _)| (counted.is_counted)(*id));
        let rows = processes.flat_map(|(id, moments)| {
            let mut end = Duration::ZERO;
            let intervals = moments.into_iter().map(move |moment| {
                let begin = end;
                end += moment.length;
                (begin, moment)
            });
            intervals
                .filter(|(_, moment)| moment.bytes.written() > 0)
                .map(move |interval| counted.row_of(id, interval))
        });
        self.intervals.write(&measures::intervals(), rows)
    }

    /// Ends all tables; gives back what they were written to, by their names.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn finish(self) -> io::Result<Vec<(&'static str, W)>> {
        [
            self.recordings,
            self.losses,
            self.processes,
            self.flows,
            self.samples,
            self.cpu,
            self.findings,
            self.intervals,
        ]
        .into_iter()
        .map(Table::finish)
        .collect()
    }
}

/// What counts of a recording.
struct Counted<'a> {
    recorded: &'a Recorded<'a>,
    identity: &'a Identity,
    facts: BTreeMap<ProcessId, &'a ProcessFacts>,
    is_counted: &'a dyn Fn(ProcessId) -> bool,
}

impl<'a> Counted<'a> {
    /// A row that is about no process.
    const fn row<T>(&self, item: T) -> Row<'a, T> {
        Row {
            of: self.identity,
            who: None,
            item,
        }
    }

    fn row_of<T>(&self, id: ProcessId, item: T) -> Row<'a, T> {
        let facts = self.facts.get(&id).copied();
        Row {
            of: self.identity,
            who: Some(Who { id, facts }),
            item,
        }
    }
}

fn facts(audit: &Audit) -> BTreeMap<ProcessId, &ProcessFacts> {
    let processes = audit.processes.iter();
    processes
        .map(|process| (process.id, &process.facts))
        .collect()
}
