//! What can be lost, each with its counter.

use crate::decode::tagged;

tagged! {
    /// Index of a per-CPU loss counter.
    LossCounter("loss counter") {
        /// Calls that could not be counted because a map was full.
        MapFull = 0 => "map_full",
        /// Reads that were forgotten, before they were written, for want of room.
        RelayEvictions = 1 => "relay_evictions",
        /// Relay lookups given up because other CPUs held the slot.
        RelayContention = 2 => "relay_contention",
        /// Buffers whose content could not be read again (paged out).
        ContentUnreadable = 3 => "content_unreadable",
        /// Calls with more pieces than the kernel half walks; the rest is `unknown`.
        PiecesTruncated = 4 => "pieces_truncated",
        /// Calls of 32-bit tasks, which are not accounted.
        UnsupportedAbi = 5 => "unsupported_abi_calls",
        /// Calls whose descriptor could not be resolved.
        EndpointUnknown = 6 => "endpoint_unknown",
        /// Transfers that were counted as ended, though they may go on, for want of room.
        TransfersSplit = 7 => "transfers_split",
        /// Buffers whose mapping could not be looked at, since another thread was changing mappings.
        MappingContention = 8 => "mapping_contention",
        /// Requests of io_uring whose completion tells nothing, or not what it completes.
        UringUnseen = 9 => "uring_unseen",
        /// Samples of call sites that there was no room for.
        SamplesDropped = 10 => "samples_dropped",
        /// Samples of CPU time that there was no room for. A counter of its own: the clock interrupts
        /// what counts the others.
        CpuSamplesDropped = 11 => "cpu_samples_dropped",
    }
}

impl LossCounter {
    /// How many counters there are.
    pub const COUNT: u32 = Self::ALL.len() as u32;
}
