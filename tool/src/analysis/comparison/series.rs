//! What metrics are made of, cell by cell.

use crate::analysis::fallback::is_bounce;
use crate::analysis::route;
use crate::analysis::tally::mechanism;
use crate::model::{CellCounts, Class, ProcessId, Timeline};

/// What metrics are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) seconds: f64,
    pub(super) zero_copy: f64,
    pub(super) lost: f64,
    /// All bytes that were written, besides those that wait in pipes.
    pub(super) egress: f64,
    /// Exits of calls that move bytes, failed ones included.
    pub(super) calls: f64,
    pub(super) cpu_seconds: f64,
}

impl Sums {
    /// Adds `other`.
    pub(super) fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.zero_copy += other.zero_copy;
        self.lost += other.lost;
        self.egress += other.egress;
        self.calls += other.calls;
        self.cpu_seconds += other.cpu_seconds;
    }

    /// What is more than in `other`.
    pub(super) fn minus(&self, other: &Self) -> Self {
        Self {
            seconds: self.seconds - other.seconds,
            zero_copy: self.zero_copy - other.zero_copy,
            lost: self.lost - other.lost,
            egress: self.egress - other.egress,
            calls: self.calls - other.calls,
            cpu_seconds: self.cpu_seconds - other.cpu_seconds,
        }
    }
}

/// The cells of one recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Series {
    pub(super) cells: Vec<Sums>,
    pub(super) has_cpu: bool,
}

/// What the processes that are wanted have in each cell.
pub(super) fn series_of(timeline: &Timeline, is_wanted: impl Fn(ProcessId) -> bool) -> Series {
    let mut cells: Vec<Sums> = timeline
        .cells
        .iter()
        .map(|length| Sums {
            seconds: length.as_secs_f64(),
            ..Sums::default()
        })
        .collect();
    for counts in &timeline.counters {
        if !is_wanted(counts.process) {
            continue;
        }
        let role = Role::of(counts);
        for (cell, (bytes, calls)) in cells.iter_mut().zip(counts.bytes.iter().zip(&counts.calls)) {
            cell.calls += calls;
            if role.is_written {
                cell.egress += bytes;
            }
            if role.is_zero_copy {
                cell.zero_copy += bytes;
            }
            if role.is_lost {
                cell.lost += bytes;
            }
        }
    }
    let times = timeline.cpu.iter().flatten();
    for (_, times) in times.filter(|(process, _)| is_wanted(**process)) {
        for (cell, nanoseconds) in cells.iter_mut().zip(times) {
            cell.cpu_seconds += nanoseconds / 1e9;
        }
    }
    Series {
        cells,
        has_cpu: timeline.cpu.is_some(),
    }
}

/// What the bytes of a counter count as, as in the audit.
struct Role {
    is_written: bool,
    is_zero_copy: bool,
    is_lost: bool,
}

impl Role {
    fn of(counts: &CellCounts) -> Self {
        let class = counts
            .class
            .filter(|class| *class != Class::Ingest && mechanism(counts.call, *class).is_some());
        Self {
            is_written: class.is_some_and(|class| class != Class::Staged),
            is_zero_copy: matches!(class, Some(Class::ZeroCopy | Class::ByReference)),
            is_lost: class.is_some_and(is_bounce)
                && route(counts.source, counts.sink).kernel_path.is_ok(),
        }
    }
}
