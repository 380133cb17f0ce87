//! What a capture yields: exact counts and facts, nothing decided yet.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use copytax_common::{Call, Class, EndpointKind, Sharing};

use crate::model::{Profile, Runtime};

/// Everything that was counted in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The machine.
    pub host: Host,
    /// When and how long.
    pub window: Window,
    /// How the kernel half was attached.
    pub engine: Engine,
    /// Sums of calls that did not fail.
    pub flows: Vec<FlowCount>,
    /// Sums of calls that failed.
    pub errors: Vec<ErrorCount>,
    /// Sizes of transfers.
    pub transfers: Vec<TransferCount>,
    /// Facts of every process that `flows` and `errors` name, as far as they could be had.
    pub processes: BTreeMap<ProcessId, ProcessFacts>,
    /// What was lost.
    pub loss: Loss,
    /// The command that the tool ran, if it ran one.
    pub command: Option<CommandOutcome>,
    /// Call sites and CPU time, empty where nothing was sampled.
    pub profile: Profile,
    /// Why nothing was sampled although it was asked for.
    pub without_profile: Option<String>,
    /// Whether counting went on after this, as in a recording that was cut short.
    pub is_incomplete: bool,
}

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Kernel release, as `uname -r` prints it.
    pub kernel: String,
    /// Machine architecture, as `uname -m` prints it.
    pub arch: String,
    /// Processors online.
    pub cpus: u32,
    /// Node name.
    pub hostname: String,
}

/// When and how long was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When counting began.
    pub start: SystemTime,
    /// The same, in nanoseconds since boot.
    pub start_ns: u64,
    /// How long it lasted.
    pub duration: Duration,
}

/// How the kernel half is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One BTF-typed raw tracepoint on `sys_exit`.
    Raw,
    /// One exit tracepoint for each accounted call.
    Tracepoint,
}

/// A process: its pid, told apart from other owners of the pid by its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    /// Process id (thread group id) in the initial pid namespace.
    pub pid: u32,
    /// Nanoseconds from boot to the start of the process.
    pub start_time_ns: u64,
}

/// Sums of one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowCount {
    /// Who moved the bytes.
    pub process: ProcessId,
    /// By which call.
    pub call: Call,
    /// Where they came from.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// What happened to them.
    pub class: Class,
    /// Whether the kernel shared or copied them, and why that is thought.
    pub sharing: Sharing,
    /// Bytes, from return values.
    pub bytes: u64,
    /// Calls that contributed bytes to this flow; one call may contribute to several.
    pub calls: u64,
    /// Calls whose first piece was this flow; over the flows of a call these sum to its exits
    /// that did not fail.
    pub first_pieces: u64,
    /// When the first of it was counted, nanoseconds since boot; 0 where nothing was.
    pub first_ns: u64,
}

/// Transfers of one flow and size class: runs of consecutive bytes between the same two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferCount {
    /// Who moved the bytes.
    pub process: ProcessId,
    /// By which call.
    pub call: Call,
    /// Where they came from.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// What happened to them.
    pub class: Class,
    /// As in [`FlowCount::sharing`].
    pub sharing: Sharing,
    /// Transfers of `2^bucket` bytes and more, but less than `2^(bucket + 1)`.
    pub bucket: u8,
    /// How many.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Calls that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCount {
    /// Who called.
    pub process: ProcessId,
    /// Which call.
    pub call: Call,
    /// The source endpoint of the call.
    pub source: EndpointKind,
    /// The sink endpoint of the call.
    pub sink: EndpointKind,
    /// errno, positive; 512 and up are the kernel's restart codes.
    pub errno: u16,
    /// How often.
    pub count: u64,
    /// When the first of them failed, nanoseconds since boot.
    pub first_ns: u64,
}

/// Facts of a process. All strings come from the process itself and are untrusted: reports escape
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessFacts {
    /// Command name.
    pub comm: String,
    /// Path of the executable, `None` where it could not be known.
    pub exe: Option<String>,
    /// Arguments, empty where they could not be known.
    pub cmdline: Vec<String>,
    /// Path of the cgroup.
    pub cgroup: Option<String>,
    /// Container id, where the cgroup path names one.
    pub container_id: Option<String>,
    /// Whether the process was gone at the end of the window.
    pub exited: bool,
    /// Whether it moves packets by an `AF_XDP` socket, past all calls; `None` where that could not
    /// be known, as of a process that was gone.
    pub af_xdp: Option<bool>,
    /// What it runs on; `None` where that is not known.
    pub runtime: Option<Runtime>,
}

/// Everything that can be lost, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Call-site samples dropped.
    pub samples_dropped: u64,
    /// Reads forgotten before they were written.
    pub relay_evictions: u64,
    /// Relay lookups given up under contention.
    pub relay_contention: u64,
    /// Buffers that could not be read again.
    pub content_unreadable: u64,
    /// Calls with more pieces than are walked.
    pub pieces_truncated: u64,
    /// Calls not counted because a kernel map was full.
    pub map_full: u64,
    /// Calls of 32-bit tasks, not accounted; `None` where the engine cannot see them.
    pub unsupported_abi_calls: Option<u64>,
    /// Calls whose descriptor could not be resolved.
    pub endpoint_unknown: u64,
    /// Transfers taken as ended for want of room.
    pub transfers_split: u64,
    /// Buffers whose mapping could not be looked at.
    pub mapping_contention: u64,
    /// Requests of io_uring that could not be counted; `None` where none of them can be.
    pub uring_unseen: Option<u64>,
}

impl Loss {
    /// How many counters there are.
    pub const COUNTERS: usize = 11;

    /// All of them, with their names in reports; `None` for what cannot be known.
    #[must_use]
    pub const fn counters(&self) -> [(&'static str, Option<u64>); Self::COUNTERS] {
        // Taken apart, so that a new counter cannot be forgotten here.
        let Self {
            samples_dropped,
            relay_evictions,
            relay_contention,
            content_unreadable,
            pieces_truncated,
            map_full,
            unsupported_abi_calls,
            endpoint_unknown,
            transfers_split,
            mapping_contention,
            uring_unseen,
        } = *self;
        [
            ("samples_dropped", Some(samples_dropped)),
            ("relay_evictions", Some(relay_evictions)),
            ("relay_contention", Some(relay_contention)),
            ("content_unreadable", Some(content_unreadable)),
            ("pieces_truncated", Some(pieces_truncated)),
            ("map_full", Some(map_full)),
            ("unsupported_abi_calls", unsupported_abi_calls),
            ("endpoint_unknown", Some(endpoint_unknown)),
            ("transfers_split", Some(transfers_split)),
            ("mapping_contention", Some(mapping_contention)),
            ("uring_unseen", uring_unseen),
        ]
    }

    /// With what is known of `other`; a sum is not known where no part of it is.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let known = |sum: Option<u64>, more: Option<u64>| match (sum, more) {
            (Some(sum), Some(more)) => Some(sum.saturating_add(more)),
            (sum, more) => sum.or(more),
        };
        self.with(other, u64::saturating_add, known)
    }

    /// What was lost after `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let known =
            |now: Option<u64>, before: Option<u64>| Some(now?.saturating_sub(before.unwrap_or(0)));
        self.with(before, u64::saturating_sub, known)
    }

    /// Each counter with its counterpart.
    fn with(
        &self,
        other: &Self,
        counts: impl Fn(u64, u64) -> u64,
        known: impl Fn(Option<u64>, Option<u64>) -> Option<u64>,
    ) -> Self {
        Self {
            samples_dropped: counts(self.samples_dropped, other.samples_dropped),
            relay_evictions: counts(self.relay_evictions, other.relay_evictions),
            relay_contention: counts(self.relay_contention, other.relay_contention),
            content_unreadable: counts(self.content_unreadable, other.content_unreadable),
            pieces_truncated: counts(self.pieces_truncated, other.pieces_truncated),
            map_full: counts(self.map_full, other.map_full),
            unsupported_abi_calls: known(self.unsupported_abi_calls, other.unsupported_abi_calls),
            endpoint_unknown: counts(self.endpoint_unknown, other.endpoint_unknown),
            transfers_split: counts(self.transfers_split, other.transfers_split),
            mapping_contention: counts(self.mapping_contention, other.mapping_contention),
            uring_unseen: known(self.uring_unseen, other.uring_unseen),
        }
    }
}

/// How a command that the tool started has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutcome {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Its process id.
    pub pid: u32,
    /// Exit code, `None` when it was ended by a signal or was still running.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
}
