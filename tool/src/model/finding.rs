//! What a diagnosis yields: which bytes cost what they need not, and why.

use std::sync::Arc;

use copytax_common::{Class, EndpointKind, Sharing};

use crate::model::{Device, Frame, Mechanism, ProcessId, Stack};

/// What to make of bytes that were not shared all the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is something to change that brings the fast path back.
    Fixable,
    /// The process must see the bytes: it compresses, encrypts or hashes them.
    Transforming,
    /// The transfers are so short that a zero-copy call would not pay.
    TooSmall,
    /// Somebody has chosen it.
    Deliberate,
    /// The program has no way to the fast path.
    Architectural,
    /// A zero-copy call moved the bytes, and the kernel copied them all the same.
    KernelCopied,
    /// As it should be.
    Healthy,
    /// The cause is not known, so neither is whether there is anything to change.
    Unknown,
}

impl Verdict {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Fixable,
        Self::Transforming,
        Self::TooSmall,
        Self::Deliberate,
        Self::Architectural,
        Self::KernelCopied,
        Self::Healthy,
        Self::Unknown,
    ];

    /// The name in rules, options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixable => "fixable",
            Self::Transforming => "transforming",
            Self::TooSmall => "too_small",
            Self::Deliberate => "deliberate",
            Self::Architectural => "architectural",
            Self::KernelCopied => "kernel_copied",
            Self::Healthy => "healthy",
            Self::Unknown => "unknown",
        }
    }
}

/// What a rule was matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchedBy {
    /// The functions that moved the bytes.
    Stack,
    /// Facts of the flow and of the process alone.
    Flow,
}

impl MatchedBy {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Stack, Self::Flow];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Flow => "flow",
        }
    }
}

/// Bytes of one process that took a slower way than the kernel has, with the cause as far as it is
/// known. Functions and paths come from the process and are untrusted; texts come from a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Id of the rule; `None` where no rule matches.
    pub rule: Option<Arc<str>>,
    /// What to make of it.
    pub verdict: Verdict,
    /// Whose bytes.
    pub process: ProcessId,
    /// The rule in a few words; `None` where no rule matches.
    pub title: Option<Arc<str>>,
    /// Why it is so; `None` where that is not known.
    pub cause: Option<Arc<str>>,
    /// What to do; `None` where the cause is not known.
    pub fix: Option<Arc<str>>,
    /// What the rule refers to.
    pub references: Vec<Arc<str>>,
    /// How the bytes moved.
    pub mechanism: Mechanism,
    /// Where they came from.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// What is known to have happened to most of them.
    pub evidence: Class,
    /// As in [`crate::model::Flow::sharing`], of most of them.
    pub sharing: Sharing,
    /// Whether the kernel could have moved them.
    pub lost: bool,
    /// How many.
    pub bytes: FindingBytes,
    /// `bytes` / what the process wrote in all; `None` where it wrote nothing.
    pub share: Option<f64>,
    /// Why they are too few at a time; with the verdict [`Verdict::TooSmall`].
    pub small: Option<SmallTransfers>,
    /// What the fix would save, of a fixable finding; `None` where that cannot be told.
    pub saving: Option<Saving>,
    /// The device that most of them leave by; `None` where they go to no other machine, or it is not
    /// known.
    pub egress: Option<Device>,
    /// What the rule was matched by; `None` where no rule matches.
    pub matched_by: Option<MatchedBy>,
    /// Samples of the stacks that led here.
    pub samples: u64,
    /// The function that makes the bytes bounce, where it is known.
    pub culprit: Option<Frame>,
    /// The stack that wrote most of them, where it was sampled.
    pub write: Option<Arc<Stack>>,
    /// The stack that had read them, likewise.
    pub read: Option<Arc<Stack>>,
}

/// How many bytes a finding is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingBytes {
    /// How many.
    pub value: u64,
    /// Half the width of the interval that has the true number in 95 of 100 cases; 0 where whole
    /// flows were counted.
    pub margin: u64,
}

impl FindingBytes {
    /// Adds others, which were counted or estimated independently.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "margins of independent estimates"
    )]
    pub fn add(&mut self, other: Self) {
        self.value = self.value.saturating_add(other.value);
        let margin = (self.margin as f64).hypot(other.margin as f64);
        self.margin = margin.ceil() as u64;
    }
}

/// CPU time that a fix would save.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Saving {
    /// Seconds of CPU time in each second: cores. Negative where the fix would cost more.
    pub cores: f64,
    /// Half the width of the 95% interval.
    pub margin: f64,
    /// As a share of the CPU time of the process; `None` where that was not sampled.
    pub share: Option<f64>,
    /// What it rests on.
    pub basis: SavingBasis,
}

impl Saving {
    /// With what is saved of other bytes of the same process.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            cores: self.cores + other.cores,
            margin: self.margin.hypot(other.margin),
            share: self.share.zip(other.share).map(|(a, b)| a + b),
            basis: self.basis.max(other.basis),
        }
    }

    /// With what another process saves: a share of either is none of both.
    #[must_use]
    pub fn with_other_process(self, other: Self) -> Self {
        Self {
            share: None,
            ..self.with(other)
        }
    }
}

/// What an estimate of a saving rests on, the better one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SavingBasis {
    /// What both ways cost on this machine, for transfers of the measured sizes.
    Calibration,
    /// The sampled CPU time of the process alone.
    CpuTax,
}

impl SavingBasis {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Calibration, Self::CpuTax];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calibration => "calibration",
            Self::CpuTax => "cpu_tax",
        }
    }
}

/// Transfers that are too short for a zero-copy call to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallTransfers {
    /// Half of the bytes are in transfers of about this many bytes, or fewer.
    pub typical: u64,
    /// A zero-copy call pays from here on.
    pub break_even: u64,
}
