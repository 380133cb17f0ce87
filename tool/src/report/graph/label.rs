//! What a step is called in a graph.

use super::{GraphOptions, Only, Sampled, Step, Weighted, site_kind};
use crate::analysis::{Role, file_name, frame_name, role};
use crate::model::{Frame, SiteKind};
use crate::report::escape::escape;

/// The name of a box.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) struct Label {
    /// Escaped, and without the semicolon that parts the frames of a folded stack.
    pub(in crate::report) text: String,
    pub(in crate::report) kind: LabelKind,
    /// Source file and line, such as `main.go:18`, escaped; `None` where they are not known.
    pub(in crate::report) place: Option<String>,
}

/// What a box stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum LabelKind {
    /// A process.
    Process,
    /// Bytes of one kind.
    Site(SiteKind),
    /// A function.
    Frame(Role),
    /// No function.
    Marker,
}

/// The boxes of one stack: the process, the kind of bytes where there may be several, the steps.
pub(in crate::report) fn labels(
    sampled: &Sampled<'_>,
    stack: &Weighted<'_>,
    options: &GraphOptions,
) -> Vec<Label> {
    let comm = sampled
        .processes
        .get(&stack.process)
        .map(|facts| facts.comm.as_str())
        .filter(|comm| !comm.is_empty());
    let mut labels = vec![Label {
        text: clean(comm.unwrap_or("unknown process")),
        kind: LabelKind::Process,
        place: None,
    }];
    labels.extend(
        stack
            .kind
            .filter(|_| options.only == Only::All)
            .map(|kind| Label {
                text: format!("[{}]", site_kind(kind)),
                kind: LabelKind::Site(kind),
                place: None,
            }),
    );
    let steps = stack.steps.iter();
    labels.extend(steps.map(|step| of_step(step, options.reverse)));
    if options.reverse {
        labels.reverse();
    }
    labels
}

fn of_step(step: &Step<'_>, is_reversed: bool) -> Label {
    let marker = |text: &str| Label {
        text: text.to_owned(),
        kind: LabelKind::Marker,
        place: None,
    };
    match step {
        Step::Frame(frame) => Label {
            text: clean(&frame_name(frame)),
            kind: LabelKind::Frame(role(frame)),
            place: place(frame),
        },
        Step::WrittenBy if is_reversed => marker("[read before by]"),
        other => marker(other.text()),
    }
}

/// Source file and line, escaped: the last part of the path says enough to people.
pub(in crate::report) fn place(frame: &Frame) -> Option<String> {
    let file = escape(file_name(frame.file.as_deref()?));
    Some(match frame.line {
        Some(line) => format!("{file}:{line}"),
        None => file,
    })
}

fn clean(name: &str) -> String {
    escape(name).replace(';', ":")
}
