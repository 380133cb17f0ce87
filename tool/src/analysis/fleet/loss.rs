//! What could not be counted, over all recordings.

use crate::model::{Audit, Loss};

/// What the recordings have lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetLoss {
    /// The sums of what is known.
    pub known: Loss,
    /// In how many recordings a counter cannot be known, in the order of [`Loss::counters`].
    pub unknown_in: [usize; Loss::COUNTERS],
}

/// Adds it up.
pub(super) fn loss(audits: &[&Audit]) -> FleetLoss {
    let mut loss = FleetLoss {
        known: Loss::default(),
        unknown_in: [0; Loss::COUNTERS],
    };
    for audit in audits {
        loss.known = loss.known.plus(&audit.loss);
        for (times, (_, count)) in loss.unknown_in.iter_mut().zip(audit.loss.counters()) {
            *times += usize::from(count.is_none());
        }
    }
    loss
}
