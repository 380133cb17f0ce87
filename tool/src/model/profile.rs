//! Call sites and CPU time: samples that were added up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use copytax_common::{Call, Class, EndpointKind, Sharing};

use crate::model::{ProcessId, RawSample, Stack};

/// What the samples of one window tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// Who moved bytes.
    pub call_sites: Vec<CallSite>,
    /// What CPUs did.
    pub cpu: Vec<CpuSite>,
    /// The files that the code of stacks was in, of which builds these are; without those that do not
    /// tell.
    pub builds: BTreeSet<Build>,
    /// How it was sampled.
    pub sampling: Sampling,
}

/// One build of a file of code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Build {
    /// As in [`crate::model::Frame::module`]. Untrusted. In containers other files can have the same
    /// name: they are further builds.
    pub module: Arc<str>,
    /// What its linker called it (`NT_GNU_BUILD_ID`), in hexadecimal digits.
    pub id: Arc<str>,
}

impl Profile {
    /// Whether anything was looked at; not whether it was found.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampling.first_interval != [0; SiteKind::ALL.len()]
    }
}

/// How was sampled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sampling {
    /// Mean number of bytes between samples that was begun with, by kind of site.
    pub first_interval: [u64; SiteKind::ALL.len()],
    /// The largest mean that was come to, likewise: larger where samples came faster than allowed.
    pub widest_interval: [u64; SiteKind::ALL.len()],
    /// Time between ticks of the clock that samples CPUs; zero where it did not run.
    pub tick: Duration,
    /// Samples taken.
    pub samples: u64,
    /// Samples that were lost.
    pub dropped: u64,
}

impl Sampling {
    /// How was sampled after `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            samples: self.samples.saturating_sub(before.samples),
            dropped: self.dropped.saturating_sub(before.dropped),
            ..*self
        }
    }
}

/// What kind of bytes a call site moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteKind {
    /// Read, then written unmodified.
    Bounced,
    /// Moved by a zero-copy call.
    ZeroCopy,
    /// Mapped, transformed or generated.
    Other,
}

impl SiteKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Bounced, Self::ZeroCopy, Self::Other];
}

/// One way through a program by which bytes move between the same two ends.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSite {
    /// Whose.
    pub process: ProcessId,
    /// What kind of bytes.
    pub kind: SiteKind,
    /// By which call.
    pub call: Call,
    /// Where they come from.
    pub source: EndpointKind,
    /// Where they go.
    pub sink: EndpointKind,
    /// What happens to them.
    pub class: Class,
    /// As in [`crate::model::FlowCount::sharing`].
    pub sharing: Sharing,
    /// Path or address of the source; `None` where it has none, or none is known. Untrusted.
    pub source_name: Option<Arc<str>>,
    /// The same of the sink.
    pub sink_name: Option<Arc<str>>,
    /// The stack of the call that wrote or moved the bytes; without frames where it is not known.
    pub write: Arc<Stack>,
    /// The stack of the call that had read them; `None` where nobody had, or that is not known.
    pub read: Option<Arc<Stack>>,
    /// The kernel's part of `write`, where it was asked for.
    pub kernel: Option<Arc<Stack>>,
    /// Samples that it stands for.
    pub samples: u64,
    /// Bytes, estimated.
    pub bytes: Estimate,
    /// Calls, estimated.
    pub calls: Estimate,
}

/// An unbiased estimate of a sum, from a sample.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// The sum.
    pub value: f64,
    /// The variance of `value`, estimated too.
    pub variance: f64,
}

impl Estimate {
    /// What the chosen byte of a sample stands for, if each byte has `per_byte` of the quantity: 1 where
    /// bytes are estimated.
    ///
    /// A run of bytes has a chosen one with the probability `p = 1 - exp(-bytes / interval)`, and weighs
    /// `bytes / p` if it has (Horvitz and Thompson, 1952); where one of several was kept by lot, as often
    /// as there were. What the estimate of the variance adds up to is, over all runs,
    /// `spent * bytes * (1 / p - spent / bytes)`.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "an estimate; 53 bits of it are plenty"
    )]
    pub fn of_sample(sample: &RawSample, per_byte: f64) -> Self {
        if sample.bytes == 0 || sample.interval == 0 {
            return Self::default();
        }
        let bytes = sample.bytes as f64;
        let spent = sample.spent.min(sample.bytes) as f64;
        let lots = f64::from(sample.stands_for.max(1));
        let chance = -(-bytes / sample.interval as f64).exp_m1() / lots;
        let value = bytes / chance * per_byte;
        Self {
            value,
            variance: value * value * (1.0 - chance * spent / bytes),
        }
    }

    /// The sum of two independent estimates.
    pub fn add(&mut self, other: Self) {
        self.value += other.value;
        self.variance += other.variance;
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            variance: self.variance * factor * factor,
        }
    }

    /// As a share of `total`, which it is a part of: the ratio of two sums of independent samples.
    #[must_use]
    pub fn share_of(self, total: Self) -> Self {
        let share = (self.value / total.value).clamp(0.0, 1.0);
        let rest = (total.variance - self.variance).max(0.0);
        Self {
            value: share,
            variance: ((1.0 - share).powi(2) * self.variance + share.powi(2) * rest)
                / total.value.powi(2),
        }
    }

    /// Half the width of the interval that has the true sum in 95 of 100 cases.
    #[must_use]
    pub fn margin(&self) -> f64 {
        /// The normal distribution has 95 % of its weight within so many standard deviations.
        const QUANTILE: f64 = 1.959_964;
        QUANTILE * self.variance.sqrt()
    }
}

/// What threads of a process did at ticks of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuSite {
    /// Whose.
    pub process: ProcessId,
    /// Number of the system call in progress; `None` in user mode, or in the kernel for another reason.
    pub syscall: Option<u32>,
    /// The user stack; `None` where the thread has none.
    pub user: Option<Arc<Stack>>,
    /// The kernel stack; `None` in user mode.
    pub kernel: Option<Arc<Stack>>,
    /// Ticks.
    pub samples: u64,
    /// Time that they stand for.
    pub time: Duration,
}

#[cfg(test)]
mod tests {
    use copytax_common::SampleKind;

    use super::*;

    fn sample(bytes: u64, interval: u64) -> RawSample {
        RawSample {
            kind: SampleKind::Other,
            process: ProcessId {
                pid: 1,
                start_time_ns: 1,
            },
            thread: 1,
            time_ns: 0,
            id: 0,
            stands_for: 1,
            call: None,
            source: EndpointKind::File,
            sink: EndpointKind::Tcp,
            class: None,
            sharing: Sharing::None,
            bytes,
            spent: bytes,
            call_bytes: bytes,
            interval,
            transfer: None,
            syscall: None,
            source_file: None,
            sink_file: None,
            user: None,
            kernel: Vec::new(),
        }
    }

    /// Chooses bytes like the kernel half: runs of `sizes`, in turn, until `rounds` are over.
    fn estimate(sizes: &[u64], interval: u64, rounds: u64, random: &mut fastrand::Rng) -> Estimate {
        let draw = |random: &mut fastrand::Rng| -(1.0 - random.f64()).ln() * interval as f64;
        let mut left = draw(random);
        let mut sum = Estimate::default();
        for _ in 0..rounds {
            for &size in sizes {
                left -= size as f64;
                if left <= 0.0 {
                    sum.add(Estimate::of_sample(&sample(size, interval), 1.0));
                    left = draw(random);
                }
            }
        }
        sum
    }

    #[test]
    fn intervals_hold_what_they_promise() {
        for (sizes, interval) in [
            (&[512_u64][..], 100_000),
            (&[1 << 20], 100_000),
            (&[512, 70_000, 4_096, 1 << 20], 300_000),
        ] {
            let rounds = 2_000;
            let truth = (sizes.iter().sum::<u64>() * rounds) as f64;
            let mut random = fastrand::Rng::with_seed(7);
            let hits = (0..400)
                .map(|_| estimate(sizes, interval, rounds, &mut random))
                .filter(|sum| (sum.value - truth).abs() <= sum.margin())
                .count();
            // 95 of 100, less three standard deviations of this many trials.
            assert!(hits >= 364, "{hits} of 400 for {sizes:?}");
        }
    }

    #[test]
    fn what_is_nothing_weighs_nothing() {
        assert_eq!(Estimate::of_sample(&sample(0, 1), 1.0), Estimate::default());
        assert_eq!(Estimate::of_sample(&sample(1, 0), 1.0), Estimate::default());
    }
}
