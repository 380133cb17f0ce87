//! Which frame of a call site makes its bytes bounce.

mod names;
mod own_loop;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::analysis::frames::{Role, role};
use crate::model::{CallSite, Frame, Stack};
use names::{is_copy_loop, is_reader_of_runtime};

pub(super) use own_loop::is_own_loop;

/// The frame to look at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Culprit<'a> {
    /// Which one.
    pub frame: &'a Frame,
    /// What it is to the bytes.
    pub place: Place,
    /// The runtime's own reader that hides the file, where the culprit handed over one.
    pub through: Option<&'a Frame>,
    /// The frames around `frame`, outwards: its callers.
    pub callers: &'a [Frame],
}

/// What a culprit is to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Between the runtime's copy loop and its read: it hides the file from the loop.
    ReadWrapper,
    /// Between the runtime's copy loop and its write: it hides the socket from the loop.
    WriteWrapper,
    /// Around the read and the copy loop, if there is one: it moves the bytes, and hides nothing.
    Caller,
    /// Around the write; nobody of the program is around the read, or that is not known.
    Writer,
}

impl Place {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::ReadWrapper,
        Self::WriteWrapper,
        Self::Caller,
        Self::Writer,
    ];

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadWrapper => "read_wrapper",
            Self::WriteWrapper => "write_wrapper",
            Self::Caller => "caller",
            Self::Writer => "writer",
        }
    }
}

/// Who makes the bytes of `site` bounce.
///
/// From the inside of the stack of the read, frames of the runtime are passed over; the first other
/// frame is a wrapper if a copy loop of the runtime is around it. If it is none, the stack of the
/// write is looked at for a wrapper, and else that frame stands for who called. `None` where the
/// first frame that is not the runtime's is not known, or there is none.
#[must_use]
pub fn culprit(site: &CallSite) -> Option<Culprit<'_>> {
    let reading = site.read.as_ref().map(first_of_program);
    if let Some(Found::Wrapper(frame, callers)) = reading {
        return Some(found(frame, callers, Place::ReadWrapper));
    }
    if let Some((frame, callers)) = outermost_wrapper(&site.write) {
        return Some(found(frame, callers, Place::WriteWrapper));
    }
    match reading {
        Some(Found::Caller(frame, callers)) => Some(Culprit {
            through: site.read.as_deref().and_then(reader_of_runtime),
            ..found(frame, callers, Place::Caller)
        }),
        Some(Found::Unknown) => None,
        _ => match first_of_program(&site.write) {
            Found::Wrapper(frame, callers) | Found::Caller(frame, callers) => {
                Some(found(frame, callers, Place::Writer))
            }
            Found::Unknown | Found::Nobody => None,
        },
    }
}

const fn found<'a>(frame: &'a Frame, callers: &'a [Frame], place: Place) -> Culprit<'a> {
    Culprit {
        frame,
        place,
        through: None,
        callers,
    }
}

/// The innermost frame that is not the runtime's.
#[derive(Clone, Copy)]
enum Found<'a> {
    /// Inside a copy loop; with its callers.
    Wrapper(&'a Frame, &'a [Frame]),
    /// Not inside one; with its callers.
    Caller(&'a Frame, &'a [Frame]),
    /// It may be anyone's.
    Unknown,
    /// All frames are the runtime's.
    Nobody,
}

fn first_of_program(stack: &Arc<Stack>) -> Found<'_> {
    for (index, frame) in stack.frames.iter().enumerate() {
        let callers = stack.frames.get(index + 1..).unwrap_or_default();
        match role(frame) {
            role if role.is_told() => {}
            Role::Unknown => return Found::Unknown,
            _ if callers.iter().any(is_loop) => return Found::Wrapper(frame, callers),
            _ => return Found::Caller(frame, callers),
        }
    }
    Found::Nobody
}

/// The wrapper that the innermost copy loop sees: it is that one whose type the loop looked at.
fn outermost_wrapper(stack: &Stack) -> Option<(&Frame, &[Frame])> {
    let around = stack.frames.iter().position(is_loop)?;
    let (inside, _) = stack.frames.split_at(around);
    let index = inside
        .iter()
        .rposition(|frame| matches!(role(frame), Role::Application | Role::Library))?;
    Some((&stack.frames[index], &stack.frames[index + 1..]))
}

/// A reader of the runtime between its copy loop and its read that hides the file.
fn reader_of_runtime(stack: &Stack) -> Option<&Frame> {
    let around = stack.frames.iter().position(is_loop)?;
    let inside = stack.frames.iter().take(around);
    inside.rev().find(|frame| {
        let function = frame.function.as_deref();
        function.is_some_and(is_reader_of_runtime)
    })
}

fn is_loop(frame: &Frame) -> bool {
    let function = frame.function.as_deref();
    function.is_some_and(|function| is_copy_loop(function, frame.file.as_deref()))
}
