//! One process, or several that belong together.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::Column;
use crate::analysis::hit_rate;
use crate::model::{ByteClasses, Flow, ProcessAudit, ProcessFacts};

/// Hit rates that are kept.
const HISTORY: usize = 60;
/// Steps after which what did nothing is forgotten.
const FORGOTTEN: u32 = 60;

/// What is known of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Names, as they came.
    pub facts: ProcessFacts,
    /// Written in the last step.
    pub bytes: ByteClasses,
    /// Hit rates, the newest last.
    pub history: VecDeque<Option<f64>>,
    /// Part of one CPU that it spent in calls that move bytes; `None` where that is not sampled.
    pub tax: Option<f64>,
    /// Its flows of the last step.
    pub flows: Vec<Flow>,
    /// Steps since it wrote anything.
    idle: u32,
}

impl Row {
    /// A process that nothing was seen of yet.
    #[must_use]
    pub const fn new(facts: ProcessFacts) -> Self {
        Self {
            facts,
            bytes: ByteClasses {
                zero_copy: 0,
                staged: 0,
                kernel_copied: 0,
                bounced: 0,
                lost: 0,
                mapped: 0,
                transformed: 0,
                generated: 0,
                unknown: 0,
            },
            history: VecDeque::new(),
            tax: None,
            flows: Vec::new(),
            idle: 0,
        }
    }

    /// Adds a step; `None` where it did nothing.
    pub fn step(&mut self, process: Option<ProcessAudit>, tax: Option<f64>) {
        self.tax = tax;
        match process {
            Some(process) => {
                self.facts = process.facts;
                self.bytes = process.bytes;
                self.flows = process.flows;
            }
            None => {
                self.bytes = ByteClasses::default();
                self.flows.clear();
            }
        }
        let wrote = self.bytes.written() > 0;
        self.idle = if wrote {
            0
        } else {
            self.idle.saturating_add(1)
        };
        let rate = self.hit_rate();
        remember(&mut self.history, rate);
    }

    /// Whether it did nothing for so long that nobody misses it.
    #[must_use]
    pub const fn is_forgotten(&self) -> bool {
        self.idle >= FORGOTTEN || (self.facts.exited && self.idle > 3)
    }

    /// Hit rate of the last step.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        hit_rate(&self.bytes)
    }

    /// What the process belongs to: its container, else its cgroup.
    #[must_use]
    pub fn group(&self) -> String {
        match (&self.facts.container_id, &self.facts.cgroup) {
            (Some(id), _) => format!("container {}", id.chars().take(12).collect::<String>()),
            (None, Some(cgroup)) => cgroup.clone(),
            (None, None) => "unknown cgroup".to_owned(),
        }
    }

    /// Whether a name of it has this, whatever the case.
    #[must_use]
    pub fn matches(&self, pid: u32, filter: &str) -> bool {
        let filter = filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&filter);
        has(&self.facts.comm)
            || pid.to_string().contains(&filter)
            || self.facts.exe.as_deref().is_some_and(has)
            || has(&self.group())
    }

    /// The order by a column: the largest number first, names from A on. Hit rates: the worst first, those
    /// without one last.
    #[must_use]
    pub fn compare(&self, other: &Self, column: Column) -> Ordering {
        let by = |value: fn(&ByteClasses) -> u64| value(&other.bytes).cmp(&value(&self.bytes));
        match column {
            Column::ZeroCopy => by(|bytes| bytes.zero_copy),
            Column::Mapped => by(|bytes| bytes.mapped),
            Column::Transformed => by(|bytes| bytes.transformed),
            Column::Generated => by(|bytes| bytes.generated),
            Column::CpuTax => other.tax.unwrap_or(0.0).total_cmp(&self.tax.unwrap_or(0.0)),
            Column::Command => self.facts.comm.cmp(&other.facts.comm),
            Column::Group => self.group().cmp(&other.group()),
            Column::HitRate | Column::History => {
                let rate = |row: &Self| row.hit_rate().unwrap_or(2.0);
                rate(self).total_cmp(&rate(other))
            }
            Column::Lost => by(|bytes| bytes.lost).then(by(|bytes| bytes.bounced)),
            Column::Pid => Ordering::Equal,
        }
    }

    /// Several as one.
    #[must_use]
    pub fn sum<'a>(rows: impl Iterator<Item = &'a Self>) -> Self {
        let mut sum = Self::new(ProcessFacts::default());
        for row in rows {
            sum.bytes.add(&row.bytes);
            sum.tax = match (sum.tax, row.tax) {
                (None, tax) => tax,
                (tax, None) => tax,
                (Some(sum), Some(tax)) => Some(sum + tax),
            };
        }
        sum
    }
}

/// Adds the newest, forgets the oldest.
pub(super) fn remember(history: &mut VecDeque<Option<f64>>, rate: Option<f64>) {
    if history.len() == HISTORY {
        history.pop_front();
    }
    history.push_back(rate);
}
