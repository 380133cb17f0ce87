//! What changed between two sets of recordings, and whether it is more than noise.

mod bootstrap;
mod matching;
mod metric;
mod series;
mod sites;
#[cfg(test)]
mod tests;

use crate::analysis::alike::MatchBy;
use crate::model::{Audit, Profile, Timeline};
use bootstrap::Sample;
use series::{Series, series_of};

pub use metric::{Change, Direction, Metric, Quality};
pub use sites::{Carrier, SiteChange};

/// Cells of time that a recording is looked at in, at most.
pub const CELLS: usize = 512;

/// One recording.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// What was counted.
    pub audit: &'a Audit,
    /// What was sampled.
    pub profile: &'a Profile,
    /// How it came over time.
    pub timeline: &'a Timeline,
}

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComparisonOptions {
    /// What makes processes the same.
    pub by: MatchBy,
    /// Changes of less than this share of what was there do not matter; of hit rates, of 1.
    pub threshold: f64,
}

/// What changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// All processes together.
    pub total: GroupChange,
    /// Processes that are the same, by what they lose more now.
    pub groups: Vec<GroupChange>,
}

/// What changed of some processes.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupChange {
    /// What they are called; empty for all.
    pub name: String,
    /// How many there were in all recordings of the base.
    pub base_processes: usize,
    /// How many there are in all new recordings.
    pub new_processes: usize,
    /// The metrics, each once.
    pub changes: Vec<Change>,
    /// Who moves bytes now and did not, or the other way round; most bytes first.
    pub sites: Vec<SiteChange>,
}

impl Comparison {
    /// Whether something is worse now.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.total.is_worse() || self.groups.iter().any(GroupChange::is_worse)
    }
}

impl GroupChange {
    /// Whether something is worse now.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| change.quality() == Some(Quality::Worse))
    }

    /// The change of one metric.
    #[must_use]
    pub fn change(&self, metric: Metric) -> Option<&Change> {
        self.changes.iter().find(|change| change.metric == metric)
    }
}

/// Compares. Several recordings of a side are runs of the same thing, and count as one.
#[must_use]
pub fn compare(base: &[Run<'_>], new: &[Run<'_>], options: &ComparisonOptions) -> Comparison {
    let matched = matching::groups(base, new, options.by);
    let differences: Vec<_> = matched
        .iter()
        .map(|group| {
            let (old, now) = (side(base, Some(&group.base)), side(new, Some(&group.new)));
            metric::differences(&old, &now)
        })
        .collect();
    let noisy = differences.iter().flatten();
    let noisy = noisy.filter(|difference| difference.is_noisy()).count();
    let groups = matched.iter().zip(&differences);
    let groups = groups.map(|(group, differences)| GroupChange {
        name: group.name.clone(),
        base_processes: group.base.len(),
        new_processes: group.new.len(),
        changes: changes(differences, noisy, options),
        sites: sites::changes(base, new, group),
    });
    let mut groups: Vec<GroupChange> = groups.collect();
    let loss = |group: &GroupChange| {
        let change = group.change(Metric::LostPerSecond);
        change.map_or(0.0, |change| change.difference().unwrap_or(0.0))
    };
    // Stable: those that lose as much stay in the order of their names.
    groups.sort_by(|a, b| loss(b).total_cmp(&loss(a)));
    Comparison {
        total: total(base, new, options),
        groups,
    }
}

/// What changed of all processes together.
fn total(base: &[Run<'_>], new: &[Run<'_>], options: &ComparisonOptions) -> GroupChange {
    let count = |runs: &[Run<'_>]| runs.iter().map(|run| run.audit.processes.len()).sum();
    let differences = metric::differences(&side(base, None), &side(new, None));
    let noisy = differences
        .iter()
        .filter(|difference| difference.is_noisy());
    GroupChange {
        name: String::new(),
        base_processes: count(base),
        new_processes: count(new),
        changes: changes(&differences, noisy.count(), options),
        sites: Vec::new(),
    }
}

fn changes(
    differences: &[metric::Difference],
    noisy: usize,
    options: &ComparisonOptions,
) -> Vec<Change> {
    differences
        .iter()
        .map(|difference| difference.change(noisy, options.threshold))
        .collect()
}

/// What one side has of some processes; of all without members.
fn side(runs: &[Run<'_>], members: Option<&matching::Members>) -> Sample {
    let of_run = |(index, run): (usize, &Run<'_>)| -> Series {
        series_of(run.timeline, |id| {
            members.is_none_or(|members| members.contains(&(index, id)))
        })
    };
    Sample::new(runs.iter().enumerate().map(of_run).collect())
}
