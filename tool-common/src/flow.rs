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
}

/// Per-CPU sums of a flow.
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
}

impl FlowCounters {
    /// One whole call of so many bytes.
    #[must_use]
    pub const fn call(bytes: u64) -> Self {
        Self {
            bytes,
            calls: 1,
            first_pieces: 1,
        }
    }
}

/// Key of the error counts (`u64` per CPU).
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
    assert!(size_of::<PendingFlow>() == 40 && align_of::<PendingFlow>() == 8);
    assert!(size_of::<ProcessKey>() == 16 && align_of::<ProcessKey>() == 8);
    assert!(size_of::<FlowKey>() == 16 && align_of::<FlowKey>() == 8);
    assert!(size_of::<FlowCounters>() == 24 && align_of::<FlowCounters>() == 8);
    assert!(size_of::<ErrorKey>() == 24 && align_of::<ErrorKey>() == 8);
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
