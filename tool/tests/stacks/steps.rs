//! A program that is carried out instruction by instruction: through prologues, epilogues, the
//! procedure linkage table and the dynamic linker, each stack must reach the entry by the same way.

use std::fs::File;
use std::process::Command;

use anyhow::{Context, Result};
use copytax::model::StackEnd;
use copytax::stack::unwind::{Location, Unwinder};

use crate::calls::Built;
use crate::sampler::Traced;
use crate::support::children::Program;

/// Enough for each function to be looked for by the dynamic linker.
const STEPS: usize = 20_000;

/// Frames that all of these stacks end with: the function, `main`, two of the C library, `_start`.
const COMMON: usize = 5;

#[test]
fn each_instruction() -> Result<()> {
    let Some(program) = Built::or_skip(&[])? else {
        return Ok(());
    };
    let mut command = Command::new(program.path());
    command.arg("steps").arg(program.other());
    let (running, _) = Program::start_speaking(&mut command)?;
    let thread = Traced::attach(running.pid(), running.pid())?;
    thread.stop()?;
    File::create(program.other())?;
    let mut unwinder = Unwinder::new();
    let mut callers: Option<Vec<Location>> = None;
    let mut deepest = 0;
    for _ in 0..STEPS {
        thread.step()?;
        let sample = thread.sample_stopped()?;
        let unwound = unwinder.unwind(thread.process(), &sample);
        assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
        let locations = unwound.locations;
        let start = locations.len().checked_sub(COMMON);
        let (_, above) = locations[start.context("too few frames")?..]
            .split_first()
            .context("frames")?;
        assert_eq!(callers.get_or_insert_with(|| above.to_vec()), above);
        deepest = deepest.max(locations.len());
    }
    // The dynamic linker was seen.
    assert!(deepest >= COMMON + 4, "{deepest}");
    Ok(())
}
