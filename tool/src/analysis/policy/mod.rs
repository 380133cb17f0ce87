//! What must hold for a check to pass, and whether it does.

mod parse;
#[cfg(test)]
mod tests;

use crate::analysis::catalog::Glob;
use crate::analysis::diagnosis::egress;
use crate::analysis::hit_rate;
use crate::model::{Audit, ByteClasses, Finding, ProcessAudit, Verdict};

pub use parse::{PolicyError, parse, parse_bytes, parse_share};

/// What must hold of some processes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// By command name; all together without one.
    pub process: Option<Glob>,
    /// Least hit rate, 0 to 1.
    pub min_hit_rate: Option<f64>,
    /// Most lost bytes.
    pub max_lost_bytes: Option<u64>,
    /// Most lost bytes, as a share of what was written, 0 to 1.
    pub max_lost_share: Option<f64>,
    /// What no finding may be.
    pub forbid: Vec<Forbidden>,
}

/// Findings that may not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forbidden {
    /// Of this rule, by its id, whatever the case of letters.
    Rule(String),
    /// Of this verdict.
    Verdict(Verdict),
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// That there is a process to check.
    Process,
    /// [`Policy::min_hit_rate`]
    MinHitRate,
    /// [`Policy::max_lost_bytes`]
    MaxLostBytes,
    /// [`Policy::max_lost_share`]
    MaxLostShare,
    /// One of [`Policy::forbid`].
    Forbid,
    /// That the command succeeded.
    Command,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Check<'a> {
    /// What.
    pub condition: Condition,
    /// Of which processes, as the policy has it.
    pub process: Option<&'a Glob>,
    /// What must hold.
    pub demand: Demand<'a>,
    /// What is so.
    pub found: Found,
    /// Whether it holds.
    pub holds: bool,
    /// Findings that are why it does not, dearest first.
    pub because: Vec<&'a Finding>,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Demand<'a> {
    /// Something is there, or succeeds.
    Holds,
    /// A share, 0 to 1.
    Share(f64),
    /// So many bytes.
    Bytes(u64),
    /// None of these.
    None(&'a Forbidden),
}

/// What is so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found {
    /// A share; `None` where there is nothing to divide by.
    Share(Option<f64>),
    /// So many bytes.
    Bytes(u64),
    /// So many of them.
    Count(usize),
    /// How the command ended: its exit code, or the signal.
    Status(Option<i32>, Option<i32>),
}

/// Checks all of it. A command that did not succeed fails a check, too; one that was still running does
/// not.
#[must_use]
pub fn evaluate<'a>(policies: &'a [Policy], audit: &'a Audit) -> Vec<Check<'a>> {
    let mut checks = Vec::new();
    if let Some(command) = &audit.command {
        let (code, signal) = (command.exit_code, command.signal);
        checks.push(Check {
            condition: Condition::Command,
            process: None,
            demand: Demand::Holds,
            found: Found::Status(code, signal),
            holds: signal.is_none() && code.is_none_or(|code| code == 0),
            because: Vec::new(),
        });
    }
    for policy in policies {
        policy.evaluate(audit, &mut checks);
    }
    checks
}

impl Policy {
    /// Whether it demands nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.min_hit_rate.is_none()
            && self.max_lost_bytes.is_none()
            && self.max_lost_share.is_none()
            && self.forbid.is_empty()
    }

    fn is_about(&self, process: &ProcessAudit) -> bool {
        let name = &process.facts.comm;
        self.process.as_ref().is_none_or(|glob| glob.matches(name))
    }

    fn evaluate<'a>(&'a self, audit: &'a Audit, checks: &mut Vec<Check<'a>>) {
        let mut bytes = ByteClasses::default();
        let mut ids = Vec::new();
        for process in audit
            .processes
            .iter()
            .filter(|process| self.is_about(process))
        {
            bytes.add(&process.bytes);
            ids.push(process.id);
        }
        let findings = || {
            let findings = audit.findings.iter();
            findings.filter(|finding| ids.contains(&finding.process))
        };
        let mut check = |condition, demand, found, holds, because: Vec<&'a Finding>| {
            checks.push(Check {
                condition,
                process: self.process.as_ref(),
                demand,
                found,
                holds,
                because: if holds { Vec::new() } else { because },
            });
        };
        if ids.is_empty() {
            // A name that is misspelt must not pass for ever.
            check(
                Condition::Process,
                Demand::Holds,
                Found::Count(0),
                false,
                Vec::new(),
            );
            return;
        }
        let lost = || findings().filter(|finding| finding.lost).collect();
        if let Some(least) = self.min_hit_rate {
            let rate = hit_rate(&bytes);
            let holds = rate.is_some_and(|rate| rate >= least);
            check(
                Condition::MinHitRate,
                Demand::Share(least),
                Found::Share(rate),
                holds,
                lost(),
            );
        }
        if let Some(most) = self.max_lost_bytes {
            let holds = bytes.lost <= most;
            let found = Found::Bytes(bytes.lost);
            check(
                Condition::MaxLostBytes,
                Demand::Bytes(most),
                found,
                holds,
                lost(),
            );
        }
        if let Some(most) = self.max_lost_share {
            let share = share(bytes.lost, egress(&bytes));
            let holds = share.is_none_or(|share| share <= most);
            check(
                Condition::MaxLostShare,
                Demand::Share(most),
                Found::Share(share),
                holds,
                lost(),
            );
        }
        for forbidden in &self.forbid {
            let because: Vec<_> = findings().filter(|finding| forbidden.is(finding)).collect();
            let found = Found::Count(because.len());
            let holds = because.is_empty();
            check(
                Condition::Forbid,
                Demand::None(forbidden),
                found,
                holds,
                because,
            );
        }
    }
}

impl Forbidden {
    fn is(&self, finding: &Finding) -> bool {
        match self {
            Self::Rule(id) => {
                let rule = finding.rule.as_deref();
                rule.is_some_and(|rule| rule.eq_ignore_ascii_case(id))
            }
            Self::Verdict(verdict) => finding.verdict == *verdict,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rule(id) => id,
            Self::Verdict(verdict) => verdict.name(),
        }
    }
}

impl Condition {
    /// The name in policies and outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::MinHitRate => "min_hit_rate",
            Self::MaxLostBytes => "max_lost_bytes",
            Self::MaxLostShare => "max_lost_share",
            Self::Forbid => "forbid",
            Self::Command => "command",
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio; 53 bits of it are plenty"
)]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
