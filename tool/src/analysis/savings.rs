//! How much of what was lost the findings could bring back.

use std::collections::BTreeSet;

use crate::model::{Audit, Saving, Verdict};

/// What would be gained if all that findings advise were done.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Savings {
    /// Processes that lost bytes.
    pub processes: u64,
    /// Bytes that they lost.
    pub lost: u64,
    /// Different fixes.
    pub fixes: u64,
    /// Lost bytes that they are for, estimated.
    pub recoverable: u64,
    /// What they save; `None` where that is not known of each.
    pub saving: Option<Saving>,
}

impl Savings {
    /// The part of what was lost that the fixes are for; `None` where nothing was lost.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for a share in percent")]
    pub fn share(&self) -> Option<f64> {
        (self.lost > 0).then(|| self.recoverable as f64 / self.lost as f64)
    }
}

/// What the findings of `audit` could save.
#[must_use]
pub fn savings(audit: &Audit) -> Savings {
    let losers = audit.processes.iter();
    let losers = losers.filter(|process| process.bytes.lost > 0);
    let fixable = audit.findings.iter().filter(|finding| {
        finding.verdict == Verdict::Fixable && finding.lost && finding.fix.is_some()
    });
    let bytes = fixable.clone().map(|finding| finding.bytes.value);
    // What is estimated may come to more than what was counted.
    let recoverable = bytes.fold(0, u64::saturating_add).min(audit.bytes.lost);
    let saving = fixable.clone().map(|finding| finding.saving);
    let saving = saving.reduce(|sum, saving| Some(sum?.with_other_process(saving?)));
    let fixes: BTreeSet<_> = fixable.map(|finding| &finding.rule).collect();
    Savings {
        processes: losers.count() as u64,
        lost: audit.bytes.lost,
        fixes: fixes.len() as u64,
        recoverable,
        saving: saving.flatten(),
    }
}
