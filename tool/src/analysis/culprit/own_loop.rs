//! Loops that a program has written itself.

use super::is_loop;
use crate::analysis::frames::{Role, role};
use crate::model::{CallSite, Frame, Stack};

/// Functions of the program from the inside of a stack that are looked at: the loop, and one that it calls to
/// read or to write all.
const DEPTH: usize = 2;

/// Whether one function of the program itself reads the bytes and writes them, with no more inside of it than
/// the language's own reading and writing, and a function of the program around that.
pub(in crate::analysis) fn is_own_loop(site: &CallSite) -> bool {
    let Some(read) = &site.read else {
        return false;
    };
    innermost_of_program(read).any(|reader| {
        innermost_of_program(&site.write)
            .any(|writer| (&reader.function, &reader.module) == (&writer.function, &writer.module))
    })
}

/// The innermost functions of the program, if nothing but the language is inside of them, and the language does
/// not copy on their behalf.
fn innermost_of_program(stack: &Stack) -> impl Iterator<Item = &Frame> {
    let inside = stack.frames.iter().take_while(|frame| !is_loop(frame));
    let own = inside
        .filter(|frame| !role(frame).is_told())
        .take_while(|frame| role(frame) == Role::Application && frame.function.is_some());
    own.take(DEPTH)
}
