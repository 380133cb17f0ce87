//! Loops that a program has written itself.

use super::is_loop;
use crate::analysis::frames::{Role, role};
use crate::model::{CallSite, Frame, Stack};

/// Whether one function of the program itself reads the bytes and writes them, with no more than the language's
/// own reading and writing inside of it.
pub(in crate::analysis) fn is_own_loop(site: &CallSite) -> bool {
    let reader = site.read.as_deref().and_then(innermost_of_program);
    let writer = innermost_of_program(&site.write);
    reader.zip(writer).is_some_and(|(reader, writer)| {
        (&reader.function, &reader.module) == (&writer.function, &writer.module)
    })
}

/// The innermost frame that is not the language's, if it is the program's own and has a name, and if the
/// language does not copy on its behalf.
fn innermost_of_program(stack: &Stack) -> Option<&Frame> {
    let mut inside = stack.frames.iter().take_while(|frame| !is_loop(frame));
    let frame = inside.find(|frame| !role(frame).is_told())?;
    (role(frame) == Role::Application && frame.function.is_some()).then_some(frame)
}
