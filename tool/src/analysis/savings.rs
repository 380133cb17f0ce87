//! How much of what was lost the findings could bring back.

use std::collections::BTreeSet;

use crate::model::{Audit, Finding, ProcessAudit, Saving, Verdict};

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
    let findings = audit.findings.iter();
    let findings = findings.map(|finding| (finding, finding.bytes.value));
    savings_of(&audit.processes, audit.bytes.lost, findings)
}

/// What findings, each with its bytes, could save of what `processes` lost.
pub(super) fn savings_of<'a>(
    processes: impl IntoIterator<Item = &'a ProcessAudit>,
    lost: u64,
    findings: impl Iterator<Item = (&'a Finding, u64)>,
) -> Savings {
    let losers = processes.into_iter();
    let losers = losers.filter(|process| process.bytes.lost > 0);
    let fixable = findings.filter(|(finding, _)| {
        finding.verdict == Verdict::Fixable && finding.lost && finding.fix.is_some()
    });
    let mut fixes = BTreeSet::new();
    let mut recoverable: u64 = 0;
    let mut savings = Vec::new();
    for (finding, bytes) in fixable {
        fixes.insert(&finding.rule);
        recoverable = recoverable.saturating_add(bytes);
        savings.push(finding.saving);
    }
    let known: Option<Vec<Saving>> = savings.into_iter().collect();
    Savings {
        processes: losers.count() as u64,
        lost,
        fixes: fixes.len() as u64,
        // What is estimated may come to more than what was counted.
        recoverable: recoverable.min(lost),
        saving: known.and_then(|known| known.into_iter().reduce(Saving::with_other_process)),
    }
}
