//! Aggregates: one counter per process, call, endpoint kinds and class.

use crate::Abi;

/// A process, told apart from earlier and later owners of its pid by its start time.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// `start_boottime` of the thread group leader, nanoseconds since boot.
    pub start_time_ns: u64,
    /// Thread group id in the initial pid namespace.
    pub tgid: u32,
    /// Explicit padding, always 0: keys are compared bytewise.
    pub padding: u32,
}

/// Key of [`FlowCounters`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// As in [`ProcessKey`].
    pub start_time_ns: u64,
    /// As in [`ProcessKey`].
    pub tgid: u32,
    /// [`crate::Call`]
    pub call: u8,
    /// [`crate::EndpointKind`] that the bytes came from.
    pub source: u8,
    /// [`crate::EndpointKind`] that the bytes went to.
    pub sink: u8,
    /// [`crate::Class`]
    pub class: u8,
    /// [`crate::Sharing`]
    pub sharing: u8,
    /// Explicit padding, always 0.
    pub padding: [u8; 7],
}

/// Per-CPU sums of a flow.
///
/// They wrap around: bytes of which more becomes known are taken from one flow, on one CPU, and
/// added to another. The sum over all CPUs is right.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowCounters {
    /// Bytes, from return values.
    pub bytes: u64,
    /// Calls that contributed bytes to this flow; one call may contribute to several.
    pub calls: u64,
    /// Calls whose first piece was this flow: over all flows of a call they sum to its exits that
    /// did not fail.
    pub first_pieces: u64,
    /// When the first of it was counted, nanoseconds since boot; 0 where nothing was.
    pub first_ns: u64,
}

/// Key of [`ErrorCounters`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorKey {
    /// As in [`ProcessKey`].
    pub start_time_ns: u64,
    /// As in [`ProcessKey`].
    pub tgid: u32,
    /// errno, positive. `ERESTARTSYS` and its kin (512 and up) are calls that a signal
    /// interrupted and that the kernel restarts.
    pub errno: u16,
    /// [`crate::Call`]
    pub call: u8,
    /// [`crate::EndpointKind`]
    pub source: u8,
    /// [`crate::EndpointKind`]
    pub sink: u8,
    /// Explicit padding, always 0.
    pub padding: [u8; 7],
}

/// Per-CPU sums of calls that failed in one way.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ErrorCounters {
    /// How often.
    pub count: u64,
    /// When the first of them failed, nanoseconds since boot; 0 where none did.
    pub first_ns: u64,
}

/// Key of [`TransferCounters`]: a flow, and the size of its transfers.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferKey {
    /// The flow; write-like calls all count as [`crate::Call::Write`].
    pub flow: FlowKey,
    /// Transfers of 2^bucket bytes and more, but less than 2^(bucket + 1).
    pub bucket: u32,
    /// Explicit padding, always 0.
    pub padding: u32,
}

/// Per-CPU sums of the transfers of one size class.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransferCounters {
    /// Transfers.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

/// Sets of open transfers, a power of 2.
pub const OPEN_TRANSFER_SETS: u32 = 8_192;
/// Open transfers of a set.
pub const OPEN_TRANSFER_WAYS: usize = 4;

/// Transfers that have not ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenTransfers {
    /// What stands for the sink, 0 where there is none.
    pub sink: [u64; OPEN_TRANSFER_WAYS],
    /// Bytes so far, 0 where nothing is open.
    pub bytes: [u64; OPEN_TRANSFER_WAYS],
    /// The flow, as in [`TransferKey`].
    pub flow: [FlowKey; OPEN_TRANSFER_WAYS],
    /// What stands for the source.
    pub source: [u32; OPEN_TRANSFER_WAYS],
    /// When the last bytes came, on the kernel half's clock.
    pub stamp: [u32; OPEN_TRANSFER_WAYS],
    /// Not 0 while a CPU changes the set.
    pub lock: u64,
    /// A variable of the kernel half.
    pub found: u64,
}

impl FlowKey {
    /// The process of the flow.
    #[must_use]
    pub const fn process(&self) -> ProcessKey {
        ProcessKey {
            start_time_ns: self.start_time_ns,
            tgid: self.tgid,
            padding: 0,
        }
    }
}

impl ErrorKey {
    /// The process of the error.
    #[must_use]
    pub const fn process(&self) -> ProcessKey {
        ProcessKey {
            start_time_ns: self.start_time_ns,
            tgid: self.tgid,
            padding: 0,
        }
    }
}

/// Slots of pending flows on each CPU.
pub const PENDING_FLOWS: u32 = 256;

/// A flow with the part of its sums that a CPU has not added to the map of flows yet.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingFlow {
    /// Whose; all 0 where the slot is free.
    pub key: FlowKey,
    /// The sums.
    pub counters: FlowCounters,
}

const _: () = {
    assert!(size_of::<PendingFlow>() == 56 && align_of::<PendingFlow>() == 8);
    assert!(size_of::<ProcessKey>() == 16 && align_of::<ProcessKey>() == 8);
    assert!(size_of::<FlowKey>() == 24 && align_of::<FlowKey>() == 8);
    assert!(size_of::<FlowCounters>() == 32 && align_of::<FlowCounters>() == 8);
    assert!(size_of::<ErrorKey>() == 24 && align_of::<ErrorKey>() == 8);
    assert!(size_of::<ErrorCounters>() == 16 && align_of::<ErrorCounters>() == 8);
    assert!(size_of::<TransferKey>() == 32 && align_of::<TransferKey>() == 8);
    assert!(size_of::<OpenTransfers>() == 208 && align_of::<OpenTransfers>() == 8);
    assert!(size_of::<TransferCounters>() == 16 && align_of::<TransferCounters>() == 8);
};

// SAFETY: repr(C), integers only, sizes above equal the sums of the fields.
unsafe impl Abi for ProcessKey {}
// SAFETY: as above.
unsafe impl Abi for FlowKey {}
// SAFETY: as above.
unsafe impl Abi for FlowCounters {}
// SAFETY: as above.
unsafe impl Abi for PendingFlow {}
// SAFETY: as above.
unsafe impl Abi for ErrorKey {}
// SAFETY: as above.
unsafe impl Abi for ErrorCounters {}
// SAFETY: as above.
unsafe impl Abi for TransferKey {}
// SAFETY: as above.
unsafe impl Abi for TransferCounters {}
// SAFETY: as above.
unsafe impl Abi for OpenTransfers {}
