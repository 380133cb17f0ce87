//! What copytax itself takes.

use std::time::Duration;

/// What copytax itself takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnCost {
    /// CPU time, in user and kernel mode; what the kernel half takes counts for the processes whose calls it
    /// looks at. `None` where it could not be known.
    pub cpu: Option<Duration>,
    /// Resident bytes; likewise.
    pub resident_bytes: Option<u64>,
}
