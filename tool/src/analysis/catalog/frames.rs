//! What a rule wants of a stack.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::analysis::catalog::Glob;
use crate::model::{Frame, Stack, StackEnd};

/// Frames that a stack has, in this order, and frames that it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawFrames")]
pub struct Frames {
    /// From the innermost on; others may be between them.
    pub has: Vec<FrameMatch>,
    /// Anywhere.
    pub lacks: Vec<FrameMatch>,
}

/// One frame: a name, one of several names, a name and where its source is, a module, or none of some names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameMatch {
    /// The function is one of these.
    Function(Vec<Glob>),
    /// The function is one of the first, and its source is one of the second.
    FunctionIn(Vec<Glob>, Vec<Glob>),
    /// The function has a name that is none of these.
    NotFunction(Vec<Glob>),
    /// The code is in one of these files.
    Module(Vec<Glob>),
}

/// What a compiler appends to the name of a function that it changed, with all that follows:
/// gcc's clones (gcc/cgraphclones.cc) and LLVM's promoted names.
const CLONES: &[&str] = &[
    ".constprop.",
    ".isra.",
    ".part.",
    ".cold",
    ".lto_priv.",
    ".llvm.",
];

impl FrameMatch {
    /// Whether it is `frame`. What has no name is nothing that is looked for by name.
    fn is(&self, frame: &Frame) -> bool {
        let function = frame.function.as_deref();
        match self {
            Self::Function(names) => function.is_some_and(|name| one_of(names, name)),
            Self::FunctionIn(names, files) => {
                let file = frame.file.as_deref();
                function.is_some_and(|name| one_of(names, name))
                    && file.is_some_and(|file| files.iter().any(|wanted| wanted.matches(file)))
            }
            Self::NotFunction(names) => function.is_some_and(|name| !one_of(names, name)),
            Self::Module(files) => frame
                .module
                .as_deref()
                .is_some_and(|module| files.iter().any(|file| file.matches(module))),
        }
    }
}

fn one_of(names: &[Glob], name: &str) -> bool {
    let plain = without_clone(name);
    names
        .iter()
        .any(|glob| glob.matches(name) || (plain != name && glob.matches(plain)))
}

fn without_clone(name: &str) -> &str {
    let starts = CLONES.iter().filter_map(|suffix| name.find(suffix));
    starts.min().map_or(name, |start| &name[..start])
}

impl Frames {
    /// Whether nothing is wanted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.has.is_empty() && self.lacks.is_empty()
    }

    /// Whether `stack` is as wanted.
    ///
    /// What a stack lacks is only known of one that goes to its entry; of another it is taken as
    /// lacking where all that is wanted is there.
    #[must_use]
    pub fn fit(&self, stack: Option<&Stack>) -> bool {
        let Some(stack) = stack else {
            return self.is_empty();
        };
        let mut frames = stack.frames.iter();
        // The first fit from the inside leaves most for those that follow.
        let has = self
            .has
            .iter()
            .all(|wanted| frames.any(|frame| wanted.is(frame)));
        let lacks = || {
            let mut unwanted = self.lacks.iter();
            !unwanted.any(|unwanted| stack.frames.iter().any(|frame| unwanted.is(frame)))
        };
        let is_known =
            self.lacks.is_empty() || !self.has.is_empty() || stack.end == StackEnd::Entry;
        has && is_known && lacks()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFrames {
    #[serde(default)]
    has: Vec<FrameMatch>,
    #[serde(default)]
    lacks: Vec<FrameMatch>,
}

impl TryFrom<RawFrames> for Frames {
    type Error = &'static str;

    fn try_from(RawFrames { has, lacks }: RawFrames) -> Result<Self, Self::Error> {
        if has.is_empty() && lacks.is_empty() {
            return Err("neither `has` nor `lacks` is given");
        }
        Ok(Self { has, lacks })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFrameMatch {
    not: Option<Vec<Glob>>,
    module: Option<Vec<Glob>>,
    function: Option<Vec<Glob>>,
    file: Option<Vec<Glob>>,
}

impl<'de> Deserialize<'de> for FrameMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FrameVisitor)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = FrameMatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a name, a list of names, { not = [..] }, { module = [..] } or { function = [..], file = [..] }",
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let name = Glob::try_from(text.to_owned()).map_err(E::custom)?;
        Ok(FrameMatch::Function(vec![name]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let names = Vec::deserialize(SeqAccessDeserializer::new(seq))?;
        some(names).map(FrameMatch::Function)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let raw = RawFrameMatch::deserialize(MapAccessDeserializer::new(map))?;
        match (raw.not, raw.module, raw.function, raw.file) {
            (Some(names), None, None, None) => some(names).map(FrameMatch::NotFunction),
            (None, Some(files), None, None) => some(files).map(FrameMatch::Module),
            (None, None, Some(names), Some(files)) => {
                Ok(FrameMatch::FunctionIn(some(names)?, some(files)?))
            }
            _ => Err(A::Error::custom(
                "a frame has one of `not` and `module`, or `function` and `file`",
            )),
        }
    }
}

fn some<E: Error>(names: Vec<Glob>) -> Result<Vec<Glob>, E> {
    if names.is_empty() {
        return Err(E::custom("a list of names is empty"));
    }
    Ok(names)
}
