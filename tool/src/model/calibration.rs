//! What was measured of a machine, to be used by later audits of it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::model::Host;

/// What ways of moving bytes cost on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calibration {
    /// The machine.
    pub host: Host,
    /// Its processor, as it calls itself; `None` where it does not tell.
    pub processor: Option<String>,
    /// When it was measured.
    pub time: SystemTime,
    /// Where `sendfile` begins to pay, against `read` and `write`; `None` where that was not measured, as of
    /// the others.
    pub sendfile: Option<BreakEven>,
    /// Where `splice` through a pipe does, against the same.
    pub splice: Option<BreakEven>,
    /// Where `send` with `MSG_ZEROCOPY` does, against `write` of the same memory.
    pub zerocopy: Option<BreakEven>,
    /// Where `IORING_OP_SEND_ZC` does, against the same.
    pub send_zc: Option<BreakEven>,
    /// What the paths cost, by their names in the lab; sizes in ascending order.
    pub costs: BTreeMap<String, Vec<TransferCost>>,
}

/// What a transfer of one size costs on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferCost {
    /// Its bytes.
    pub bytes: u64,
    /// CPU time in nanoseconds, the mean of the runs but the lowest and highest fifth.
    pub cpu_ns: u64,
    /// The 95% interval of the median, about as wide; `None` of fewer than 6 runs.
    pub interval_ns: Option<(u64, u64)>,
}

/// From how many bytes of a transfer on a path takes less CPU time than the usual calls, within the sizes
/// that were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakEven {
    /// From where on; the smallest size where it pays always, `None` where it does not even pay at the
    /// largest.
    pub bytes: Option<u64>,
    /// Lower end of its 95% interval, as `bytes`.
    pub low: Option<u64>,
    /// Upper end of its 95% interval, as `bytes`.
    pub high: Option<u64>,
    /// The smallest size that was measured.
    pub smallest: u64,
    /// The largest.
    pub largest: u64,
}
