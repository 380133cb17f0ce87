//! Conditions in words.

use crate::analysis::catalog::errno;
use crate::analysis::catalog::{Bounds, Conditions, FrameMatch, Frames, Glob};
use crate::model::Verdict;

/// What must hold, one fact a line; names are in backquotes.
#[must_use]
pub fn describe(conditions: &Conditions) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |text: Option<String>| lines.extend(text);
    add(conditions.lost.map(|lost| {
        let not = if lost { "" } else { "not " };
        format!("bytes that are {not}lost: the kernel has a path for them")
    }));
    add(any(
        "class",
        conditions.class.iter().map(|class| class.name()),
    ));
    add(any(
        "mechanism",
        conditions.mechanism.iter().map(|name| name.name()),
    ));
    add(any(
        "source",
        conditions.source.iter().map(|kind| kind.name()),
    ));
    add(any("sink", conditions.sink.iter().map(|kind| kind.name())));
    add(any(
        "sharing",
        conditions.sharing.iter().map(|reason| reason.name()),
    ));
    add(conditions
        .transfer
        .map(|bounds| sizes("a typical transfer", bounds)));
    if conditions.compression_like {
        add(Some(
            "the process read more from files than it sent".to_owned(),
        ));
    }
    add(conditions.refused.as_ref().map(|refused| {
        let calls = names(refused.mechanism.iter().map(|name| name.name()));
        let errors: Vec<String> = refused
            .errno
            .iter()
            .map(|&errno| errno::name(errno))
            .collect();
        let calls = if calls.is_empty() {
            "a zero-copy call".to_owned()
        } else {
            calls
        };
        if errors.is_empty() {
            format!("the kernel refused {calls} between the same ends before")
        } else {
            let errors = names(errors.iter().map(String::as_str));
            format!("the kernel refused {calls} between the same ends before, with {errors}")
        }
    }));
    if conditions.not_refused {
        add(Some(
            "the kernel refused no zero-copy call between the same ends".to_owned(),
        ));
    }
    if conditions.own_loop {
        add(Some(
            "one function of the program itself reads and writes them".to_owned(),
        ));
    }
    for (stack, frames) in [("write", &conditions.write), ("read", &conditions.read)] {
        add(has(stack, frames));
        add(lacks(stack, frames));
    }
    lines
}

fn any<'a>(what: &str, values: impl Iterator<Item = &'a str>) -> Option<String> {
    let names = names(values);
    (!names.is_empty()).then(|| format!("{what}: {names}"))
}

fn names<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = values.map(|name| format!("`{name}`")).collect();
    names.join(" or ")
}

fn sizes(what: &str, Bounds { at_least, below }: Bounds) -> String {
    let at_least = at_least.map(|size| format!("at least {size} bytes"));
    let below = below.map(|size| format!("less than {size} bytes"));
    let parts: Vec<String> = at_least.into_iter().chain(below).collect();
    format!("{what} has {}", parts.join(" and "))
}

fn has(stack: &str, frames: &Frames) -> Option<String> {
    let frames: Vec<String> = frames.has.iter().map(frame).collect();
    (!frames.is_empty()).then(|| {
        let outwards = if frames.len() > 1 {
            ", from the inside"
        } else {
            ""
        };
        format!("{stack} stack{outwards}: {}", frames.join(", then "))
    })
}

fn lacks(stack: &str, frames: &Frames) -> Option<String> {
    let frames: Vec<String> = frames.lacks.iter().map(frame).collect();
    (!frames.is_empty()).then(|| format!("{stack} stack without {}", frames.join(", ")))
}

fn frame(frame: &FrameMatch) -> String {
    let list = |globs: &[Glob]| names(globs.iter().map(Glob::as_str));
    match frame {
        FrameMatch::Function(globs) => list(globs),
        FrameMatch::FunctionIn(names, files) => format!("{} of {}", list(names), list(files)),
        FrameMatch::NotFunction(globs) => format!("a function other than {}", list(globs)),
        FrameMatch::Module(globs) => format!("code of {}", list(globs)),
    }
}

impl Verdict {
    /// What it says, in a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Fixable => "a change brings the fast path back",
            Self::Transforming => "the process must see the bytes, as things are",
            Self::TooSmall => "transfers are too short for a zero-copy call to pay",
            Self::Deliberate => "somebody has chosen it",
            Self::Architectural => "the program has no way to the fast path",
            Self::KernelCopied => "zero-copy by name, copied by the kernel",
            Self::Healthy => "as it should be",
            Self::Unknown => "the cause is not known",
        }
    }
}
