//! What the lab measured.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use copytax_common::Call;

use crate::model::Host;

/// Everything that was measured at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct LabResult {
    /// The machine.
    pub host: Host,
    /// Its processor, as it calls itself; `None` where it does not tell.
    pub processor: Option<String>,
    /// When it began.
    pub start: SystemTime,
    /// The paths, as they were measured.
    pub series: Vec<LabSeries>,
}

/// Runs of one path over one transport with one size of transfers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabSeries {
    /// Its name.
    pub path: &'static str,
    /// The name of what it went over.
    pub transport: &'static str,
    /// Bytes of a transfer.
    pub size: u64,
    /// Transfers of a run.
    pub transfers: u64,
    /// The runs that count.
    pub runs: Vec<LabRun>,
    /// How many there were with those that only warm up; the calls are of all.
    pub all_runs: u64,
    /// Calls of the path that move bytes.
    pub calls: BTreeMap<Call, CallSum>,
    /// Its other system calls.
    pub other_calls: u64,
    /// Calls of the far ends, which move the same bytes.
    pub calls_of_ends: BTreeMap<Call, CallSum>,
}

/// One run, of the thread that moves the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabRun {
    /// Until the last byte had arrived.
    pub wall: Duration,
    /// CPU time, exactly (`CLOCK_THREAD_CPUTIME_ID`).
    pub cpu: Duration,
    /// What the kernel takes for time in userspace, by what its clock ticks met: right over many runs.
    pub user: Duration,
    /// What it takes for time in the kernel, likewise.
    pub system: Duration,
    /// Context switches, by its own will or not.
    pub context_switches: u64,
    /// Page faults, minor and major.
    pub page_faults: u64,
}

/// Calls, and the bytes that they returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallSum {
    /// Calls.
    pub calls: u64,
    /// Bytes.
    pub bytes: u64,
}

impl LabSeries {
    /// Bytes of a run.
    #[must_use]
    pub fn bytes_of_run(&self) -> u64 {
        self.size.saturating_mul(self.transfers)
    }
}
