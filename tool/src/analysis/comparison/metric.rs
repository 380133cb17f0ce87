//! The metrics, and what is said of their changes.

use crate::analysis::comparison::bootstrap::{Sample, quantile};
use crate::analysis::comparison::series::Sums;

/// Share of comparisons of the same thing that tell of a change.
const FALSE_ALARMS: f64 = 0.05;

/// Bytes of a GB, by which is divided.
const GB: f64 = 1e9;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Zero-copy bytes / (zero-copy bytes + lost bytes).
    HitRate,
    /// Lost bytes per second.
    LostPerSecond,
    /// Lost bytes per GB (10^9 bytes) that was written.
    LostPerGb,
    /// Calls that move bytes, per GB that was written.
    CallsPerGb,
    /// Seconds on CPUs, per GB that was written.
    CpuPerGb,
}

/// Which way a number went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is larger now.
    Up,
    /// It is smaller now.
    Down,
}

/// Whether that is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// The fast path is taken more, or costs less.
    Better,
    /// The opposite.
    Worse,
}

/// How one metric changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Which one.
    pub metric: Metric,
    /// What it was; `None` where there was nothing to divide by, or it was not sampled.
    pub base: Option<f64>,
    /// What it is.
    pub new: Option<f64>,
    /// Half the width of the interval that has the true difference, and those of all other metrics of
    /// all programs theirs, in 95 of 100 cases; `None` where the recordings have too few steps to tell.
    pub margin: Option<f64>,
    /// Which way it went, where that is more than noise and matters.
    pub evident: Option<Direction>,
}

impl Metric {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::HitRate,
        Self::LostPerSecond,
        Self::LostPerGb,
        Self::CallsPerGb,
        Self::CpuPerGb,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HitRate => "hit_rate",
            Self::LostPerSecond => "lost_bytes_per_second",
            Self::LostPerGb => "lost_bytes_per_gb",
            Self::CallsPerGb => "syscalls_per_gb",
            Self::CpuPerGb => "cpu_seconds_per_gb",
        }
    }

    /// Whether more of it is better.
    const fn quality(self, direction: Direction) -> Quality {
        match (self, direction) {
            (Self::HitRate, Direction::Up) => Quality::Better,
            (Self::HitRate, Direction::Down) => Quality::Worse,
            (_, Direction::Up) => Quality::Worse,
            (_, Direction::Down) => Quality::Better,
        }
    }

    /// The word for a change of it.
    #[must_use]
    pub const fn word(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::HitRate, Direction::Up) => "higher",
            (Self::HitRate, Direction::Down) => "lower",
            (Self::CallsPerGb, Direction::Down) => "fewer",
            (_, Direction::Up) => "more",
            (_, Direction::Down) => "less",
        }
    }

    /// Its value; `None` where there is nothing to divide by.
    fn of(self, sums: &Sums) -> Option<f64> {
        let (part, whole) = match self {
            Self::HitRate => (sums.zero_copy, sums.zero_copy + sums.lost),
            Self::LostPerSecond => (sums.lost, sums.seconds),
            Self::LostPerGb => (sums.lost, sums.egress / GB),
            Self::CallsPerGb => (sums.calls, sums.egress / GB),
            Self::CpuPerGb => (sums.cpu_seconds, sums.egress / GB),
        };
        // Differences of sums are not exact: less than a byte is none.
        let least = match self {
            Self::HitRate => 0.5,
            Self::LostPerSecond => f64::MIN_POSITIVE,
            _ => 0.5 / GB,
        };
        (whole >= least).then(|| part / whole)
    }
}

impl Change {
    /// The new value less the old one.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        Some(self.new? - self.base?)
    }

    /// Whether it is better or worse now, where there is evidence for either.
    #[must_use]
    pub fn quality(&self) -> Option<Quality> {
        Some(self.metric.quality(self.evident?))
    }
}

/// A metric on both sides, and how exactly the difference is known.
pub(super) struct Difference {
    metric: Metric,
    base: Option<f64>,
    new: Option<f64>,
    /// Its standard error, and the degrees of freedom of that.
    error: Option<(f64, usize)>,
}

/// All metrics on both sides.
pub(super) fn differences(base: &Sample, new: &Sample) -> Vec<Difference> {
    let metrics = Metric::ALL.iter();
    metrics
        .map(|metric| Difference::of(*metric, base, new))
        .collect()
}

impl Difference {
    fn of(metric: Metric, base: &Sample, new: &Sample) -> Self {
        let is_known = metric != Metric::CpuPerGb || (base.has_cpu() && new.has_cpu());
        let value = |sample: &Sample| metric.of(sample.total()).filter(|_| is_known);
        let (old, now) = (value(base), value(new));
        let of = |sums: &Sums| metric.of(sums);
        let error = match (old, now, base.error(of), new.error(of)) {
            (Some(_), Some(_), Some(old), Some(now)) => {
                Some((old.0.hypot(now.0), freedom(old, now)))
            }
            _ => None,
        };
        Self {
            metric,
            base: old,
            new: now,
            error,
        }
    }

    /// Whether it could be taken for a change by chance.
    pub(super) fn is_noisy(&self) -> bool {
        self.error.is_some_and(|(error, _)| error > 0.0)
    }

    /// What is said of it, as one of so many that are noisy: one false alarm in twenty comparisons is
    /// one of all of them (Bonferroni).
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    pub(super) fn change(&self, noisy: usize, threshold: f64) -> Change {
        let level = FALSE_ALARMS / noisy.max(1) as f64;
        let margin = self.error.map(|(error, freedom)| match error {
            0.0 => 0.0,
            error => error * quantile(freedom, level),
        });
        let mut change = Change {
            metric: self.metric,
            base: self.base,
            new: self.new,
            margin,
            evident: None,
        };
        change.evident = evident(&change, threshold);
        change
    }
}

/// Degrees of freedom of the error of a difference (Welch, 1947; Satterthwaite, 1946).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn freedom((old, old_freedom): (f64, usize), (now, now_freedom): (f64, usize)) -> usize {
    let (old, now) = (old * old, now * now);
    let parts = old * old / old_freedom as f64 + now * now / now_freedom as f64;
    if parts > 0.0 {
        ((old + now).powi(2) / parts).floor() as usize
    } else {
        old_freedom + now_freedom
    }
}

fn evident(change: &Change, threshold: f64) -> Option<Direction> {
    let (difference, margin, base) = (change.difference()?, change.margin?, change.base?);
    let unit = match change.metric {
        Metric::HitRate => 1.0,
        _ => base.abs(),
    };
    if difference.abs() <= margin || difference.abs() < threshold * unit || difference == 0.0 {
        return None;
    }
    Some(if difference > 0.0 {
        Direction::Up
    } else {
        Direction::Down
    })
}
