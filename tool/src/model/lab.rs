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
    /// What else of it the figures depend on.
    pub conditions: LabConditions,
    /// When it began.
    pub start: SystemTime,
    /// The paths, as they were measured.
    pub series: Vec<LabSeries>,
    /// What this machine does not have, and why.
    pub unavailable: Vec<LabUnavailable>,
}

/// What the figures of a lab depend on besides kernel and processor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabConditions {
    /// Congestion control of TCP, such as `cubic` or `bbr`; `None` where the kernel does not tell.
    pub congestion_control: Option<String>,
    /// Whether idle processors were kept from going to sleep.
    pub is_awake: bool,
}

/// A path that this machine does not have over some transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabUnavailable {
    /// Its name.
    pub path: &'static str,
    /// The name of the transport.
    pub transport: &'static str,
    /// Why.
    pub reason: String,
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
    /// Transfers of a run, of each connection.
    pub transfers: u64,
    /// Connections at once.
    pub connections: u32,
    /// Whether what is read was on a disk, and not in memory, before each run.
    pub is_cold: bool,
    /// The runs that count.
    pub runs: Vec<LabRun>,
    /// How long transfers took, until the last call returned; of some of each run.
    pub latencies: Vec<Duration>,
    /// How much more memory the process had at most, while it made what the path needs and moved the
    /// first bytes; bytes, `None` where the kernel does not tell. It counts by batches of pages, one for
    /// each processor.
    pub resident: Option<u64>,
    /// How many there were with those that only warm up; the calls are of all.
    pub all_runs: u64,
    /// Calls of the path that move bytes.
    pub calls: BTreeMap<Call, CallSum>,
    /// Its other system calls.
    pub other_calls: u64,
    /// Calls of the far ends, which move the same bytes.
    pub calls_of_ends: BTreeMap<Call, CallSum>,
}

/// One run, of the threads that move the bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabRun {
    /// Until the last byte had arrived.
    pub wall: Duration,
    /// CPU time, exactly, with that of io_uring's workers.
    pub cpu: Duration,
    /// Cycles of the processor; `None` where they are not known.
    pub cycles: Option<u64>,
    /// Where that was; `None` with io_uring, whose workers are not among these threads, and with several
    /// connections, whose threads end before a tick meets them.
    pub modes: Option<LabModes>,
    /// Context switches, by its own will or not.
    pub context_switches: u64,
    /// Page faults, minor and major.
    pub page_faults: u64,
}

/// What the kernel takes for time in userspace and in itself, by what its clock ticks met: right over many
/// runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LabModes {
    /// In userspace.
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
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
        let transfers = self.transfers.saturating_mul(self.connections.into());
        self.size.saturating_mul(transfers)
    }
}

impl LabRun {
    /// With what another thread has had at the same time; the wall time stays.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.cpu += other.cpu;
        self.cycles = self.cycles.zip(other.cycles).map(|(a, b)| a + b);
        self.modes = self.modes.zip(other.modes).map(|(a, b)| LabModes {
            user: a.user + b.user,
            system: a.system + b.system,
        });
        self.context_switches += other.context_switches;
        self.page_faults += other.page_faults;
        self
    }
}
