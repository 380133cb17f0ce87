//! The steps: when they were, and what was lost until then.

use std::time::Duration;

use rusqlite::{Connection, Row};

use crate::model::{Loss, Sampling, SiteKind};
use crate::recording::reader::{unsigned, wrong};

/// All steps.
pub(super) struct Steps(Vec<Step>);

struct Step {
    end: Duration,
    sums: Sums,
}

/// What was lost and sampled since the beginning.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    loss: Loss,
    /// Without the first interval.
    sampling: Sampling,
}

/// Steps that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// From 1 on.
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Range {
    pub(super) fn contains(&self, step: u32) -> bool {
        (self.first..=self.last).contains(&step)
    }
}

impl Steps {
    /// Reads them.
    pub(super) fn read(file: &Connection) -> rusqlite::Result<Self> {
        let mut query = file.prepare("SELECT * FROM step ORDER BY id")?;
        let mut rows = query.query([])?;
        let mut steps: Vec<Step> = Vec::new();
        while let Some(row) = rows.next()? {
            let id: usize = row.get(0)?;
            if id != steps.len() + 1 {
                return Err(wrong(0, format!("step {} is missing", steps.len() + 1)));
            }
            let step = step(row)?;
            if steps.last().is_some_and(|last| last.end > step.end) {
                return Err(wrong(1, format!("step {id} ends before it begins")));
            }
            steps.push(step);
        }
        Ok(Self(steps))
    }

    /// Time that they cover.
    pub(super) fn duration(&self) -> Duration {
        self.0.last().map_or(Duration::ZERO, |step| step.end)
    }

    /// The steps of a time; `None` where there are none. One belongs to it if its middle does.
    pub(super) fn range(&self, from: Option<Duration>, to: Option<Duration>) -> Option<Range> {
        let is_in = |index: &usize| {
            let middle = (self.end(*index) + self.0[*index].end) / 2;
            from.is_none_or(|from| middle >= from) && to.is_none_or(|to| middle <= to)
        };
        let first = (0..self.0.len()).find(is_in)?;
        let last = (0..self.0.len()).rfind(is_in)?;
        Some(Range {
            first: u32::try_from(first).ok()? + 1,
            last: u32::try_from(last).ok()? + 1,
        })
    }

    /// When it begins, from the start of the recording on.
    pub(super) fn start_of(&self, range: &Range) -> Duration {
        self.end(range.first as usize - 1)
    }

    /// When it ends.
    pub(super) fn end_of(&self, range: &Range) -> Duration {
        self.end(range.last as usize)
    }

    /// The length of each of its steps.
    pub(super) fn lengths(&self, range: &Range) -> impl Iterator<Item = Duration> {
        let steps = range.first as usize..=range.last as usize;
        steps.map(|step| self.end(step) - self.end(step - 1))
    }

    /// Sums at its beginning.
    pub(super) fn sums_before(&self, range: &Range) -> Sums {
        self.sums(range.first as usize - 1)
    }

    /// Sums at its end.
    pub(super) fn sums_at(&self, range: &Range) -> Sums {
        self.sums(range.last as usize)
    }

    /// The end of the first `count` steps.
    fn end(&self, count: usize) -> Duration {
        let last = count.checked_sub(1).and_then(|index| self.0.get(index));
        last.map_or(Duration::ZERO, |step| step.end)
    }

    fn sums(&self, count: usize) -> Sums {
        let last = count.checked_sub(1).and_then(|index| self.0.get(index));
        last.map_or_else(Sums::default, |step| step.sums)
    }
}

impl Sums {
    /// What was lost between `before` and this.
    pub(super) fn loss_since(&self, before: Self) -> Loss {
        self.loss.since(&before.loss)
    }

    /// Time between samples of a CPU; zero where they were not sampled.
    pub(super) fn tick(&self) -> Duration {
        self.sampling.tick
    }

    /// How was sampled between `before` and this.
    pub(super) fn sampling_since(
        &self,
        before: Self,
        first_interval: [u64; SiteKind::ALL.len()],
    ) -> Sampling {
        Sampling {
            first_interval,
            ..self.sampling.since(&before.sampling)
        }
    }
}

fn step(row: &Row<'_>) -> rusqlite::Result<Step> {
    let optional = |column| {
        let number: Option<i64> = row.get(column)?;
        Ok::<_, rusqlite::Error>(number.map(i64::cast_unsigned))
    };
    Ok(Step {
        end: Duration::from_nanos(unsigned(row, 1)?),
        sums: Sums {
            sampling: Sampling {
                first_interval: [0; SiteKind::ALL.len()],
                samples: unsigned(row, 2)?,
                dropped: unsigned(row, 3)?,
                tick: Duration::from_nanos(unsigned(row, 4)?),
                widest_interval: [unsigned(row, 5)?, unsigned(row, 6)?, unsigned(row, 7)?],
            },
            loss: Loss {
                samples_dropped: unsigned(row, 8)?,
                relay_evictions: unsigned(row, 9)?,
                relay_contention: unsigned(row, 10)?,
                content_unreadable: unsigned(row, 11)?,
                pieces_truncated: unsigned(row, 12)?,
                map_full: unsigned(row, 13)?,
                unsupported_abi_calls: optional(14)?,
                endpoint_unknown: unsigned(row, 15)?,
                transfers_split: unsigned(row, 16)?,
                mapping_contention: unsigned(row, 17)?,
                uring_unseen: optional(18)?,
            },
        },
    })
}
