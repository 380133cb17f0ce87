//! When a rule applies.

use serde::Deserialize;

use crate::analysis::catalog::errno::ErrnoWord;
use crate::analysis::catalog::vocabulary::{Word, values};
use crate::analysis::catalog::{Bounds, Frames};
use crate::model::{Class, EndpointKind, Mechanism, Sharing};

/// What all must hold. A list of values holds where one of them does, an empty one always.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawConditions")]
pub struct Conditions {
    /// Whether the kernel could have moved the bytes.
    pub lost: Option<bool>,
    /// What happened to them.
    pub class: Vec<Class>,
    /// How they moved.
    pub mechanism: Vec<Mechanism>,
    /// Where they came from.
    pub source: Vec<EndpointKind>,
    /// Where they went.
    pub sink: Vec<EndpointKind>,
    /// Whether the kernel shared or copied them.
    pub sharing: Vec<Sharing>,
    /// The size of a typical byte's transfer.
    pub transfer: Option<Bounds>,
    /// That the process read more from files than it sent.
    pub compression_like: bool,
    /// A zero-copy call between the same ends that the kernel refused before.
    pub refused: Option<Refusal>,
    /// That it refused none.
    pub not_refused: bool,
    /// That one function of the program itself reads and writes them.
    pub own_loop: bool,
    /// The stack that wrote the bytes.
    pub write: Frames,
    /// The stack that had read them.
    pub read: Frames,
}

/// Calls that the kernel refused, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The calls.
    pub mechanism: Vec<Mechanism>,
    /// The errors.
    pub errno: Vec<u16>,
}

impl Conditions {
    /// Whether it says anything of stacks.
    #[must_use]
    pub const fn wants_stacks(&self) -> bool {
        self.own_loop || !self.write.is_empty() || !self.read.is_empty()
    }

    /// Frames that are wanted: the more, the more exact is the rule.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.write.has.len() + self.read.has.len()
    }

    /// What is wanted besides.
    #[must_use]
    pub fn facts(&self) -> usize {
        let lists = [
            self.class.is_empty(),
            self.mechanism.is_empty(),
            self.source.is_empty(),
            self.sink.is_empty(),
            self.sharing.is_empty(),
            self.write.lacks.is_empty(),
            self.read.lacks.is_empty(),
            self.lost.is_none(),
            self.transfer.is_none(),
            self.refused.is_none(),
            !self.compression_like,
            !self.not_refused,
            !self.own_loop,
        ];
        lists.iter().filter(|is_missing| !**is_missing).count()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConditions {
    lost: Option<bool>,
    #[serde(default)]
    class: Vec<Word<Class>>,
    #[serde(default)]
    mechanism: Vec<Word<Mechanism>>,
    #[serde(default)]
    source: Vec<Word<EndpointKind>>,
    #[serde(default)]
    sink: Vec<Word<EndpointKind>>,
    #[serde(default)]
    sharing: Vec<Word<Sharing>>,
    transfer: Option<Bounds>,
    #[serde(default)]
    compression_like: bool,
    refused: Option<RawRefusal>,
    #[serde(default)]
    not_refused: bool,
    #[serde(default)]
    own_loop: bool,
    #[serde(default)]
    write: Frames,
    #[serde(default)]
    read: Frames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRefusal {
    #[serde(default)]
    mechanism: Vec<Word<Mechanism>>,
    #[serde(default)]
    errno: Vec<ErrnoWord>,
}

impl TryFrom<RawConditions> for Conditions {
    type Error = &'static str;

    fn try_from(raw: RawConditions) -> Result<Self, Self::Error> {
        let says_which = raw.lost.is_some() || !raw.class.is_empty() || !raw.sharing.is_empty();
        if !says_which {
            return Err("it must say which bytes it is about: by `lost`, `class` or `sharing`");
        }
        if raw.not_refused && raw.refused.is_some() {
            return Err("`refused` and `not_refused` exclude each other");
        }
        Ok(Self {
            lost: raw.lost,
            class: values(raw.class),
            mechanism: values(raw.mechanism),
            source: values(raw.source),
            sink: values(raw.sink),
            sharing: values(raw.sharing),
            transfer: raw.transfer,
            compression_like: raw.compression_like,
            refused: raw.refused.map(|refused| Refusal {
                mechanism: values(refused.mechanism),
                errno: refused.errno.iter().map(|word| word.0).collect(),
            }),
            not_refused: raw.not_refused,
            own_loop: raw.own_loop,
            write: raw.write,
            read: raw.read,
        })
    }
}
