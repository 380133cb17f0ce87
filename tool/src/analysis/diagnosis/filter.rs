//! Which findings are shown, and which make a run fail.

use std::collections::BTreeMap;
use std::str::FromStr;

use thiserror::Error;

use crate::model::{Finding, ProcessId, Verdict};

/// Findings that are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only those of these verdicts; all where there are none.
    pub only: Vec<Verdict>,
    /// None of these rules, by id, whatever the case of letters.
    pub ignore: Vec<String>,
}

impl Selection {
    /// The findings of rules that are not ignored: those that may make a run fail.
    #[must_use]
    pub fn considered(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let is_ignored = |finding: &Finding| {
            let rule = finding.rule.as_deref().unwrap_or_default();
            self.ignore.iter().any(|id| id.eq_ignore_ascii_case(rule))
        };
        let findings = findings.into_iter();
        findings.filter(|finding| !is_ignored(finding)).collect()
    }

    /// Those of them that are shown.
    #[must_use]
    pub fn shown(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let is_shown =
            |finding: &Finding| self.only.is_empty() || self.only.contains(&finding.verdict);
        findings.into_iter().filter(is_shown).collect()
    }
}

/// Findings that make a run fail: of a verdict, and together at least this share of what their
/// process wrote.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FailOn {
    /// Which.
    pub verdict: Verdict,
    /// From 0 to 1; with 0 any will do.
    pub share: f64,
}

/// Why a text is no [`FailOn`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WrongFailOn {
    /// Not a verdict.
    #[error("there is no verdict `{name}`; there are {}", verdict_names().join(", "))]
    Verdict {
        /// What was given.
        name: String,
    },
    /// Not a share.
    #[error("`{0}` is no share; write it like 5% or 0.05")]
    Share(String),
}

impl FromStr for FailOn {
    type Err = WrongFailOn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (verdict, share) = match text.split_once(':') {
            Some((verdict, share)) => (verdict, parse_share(share)?),
            None => (text, 0.0),
        };
        Ok(Self {
            verdict: parse_verdict(verdict)?,
            share,
        })
    }
}

/// Reads a verdict that findings can have.
///
/// # Errors
///
/// Another name.
pub fn parse_verdict(name: &str) -> Result<Verdict, WrongFailOn> {
    let verdicts = Verdict::ALL.iter().copied();
    verdicts
        .filter(|&verdict| verdict != Verdict::Healthy)
        .find(|verdict| verdict.name() == name)
        .ok_or_else(|| WrongFailOn::Verdict {
            name: name.to_owned(),
        })
}

/// Healthy flows are in no finding.
fn verdict_names() -> Vec<&'static str> {
    let verdicts = Verdict::ALL.iter();
    verdicts
        .filter(|&&verdict| verdict != Verdict::Healthy)
        .map(|verdict| verdict.name())
        .collect()
}

fn parse_share(text: &str) -> Result<f64, WrongFailOn> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(percent) => (percent, 100.0),
        None => (text, 1.0),
    };
    let share = number.parse::<f64>().ok().map(|number| number / unit);
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| WrongFailOn::Share(text.to_owned()))
}

impl FailOn {
    /// The process that has such findings, if one has: the first in the order of the findings.
    #[must_use]
    pub fn offender(&self, findings: &[Finding]) -> Option<ProcessId> {
        let mut shares: BTreeMap<ProcessId, f64> = BTreeMap::new();
        let meant = || {
            findings
                .iter()
                .filter(|finding| finding.verdict == self.verdict)
        };
        for finding in meant() {
            *shares.entry(finding.process).or_default() += finding.share.unwrap_or(0.0);
        }
        // Sums of shares that make up a whole may come out a little below it.
        let is_enough = |share: f64| share + 1e-9 >= self.share;
        meant()
            .map(|finding| finding.process)
            .find(|process| shares.get(process).copied().is_some_and(is_enough))
    }
}
