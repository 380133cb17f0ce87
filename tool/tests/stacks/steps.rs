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

/// Steps that may fail, all of them in the dynamic linker: its `_dl_runtime_resolve` tells where its
/// frame is by `rbx` (`sysdeps/x86_64/dl-trampoline.h`, glibc 2.36), which is not sampled.
const MAY_FAIL: usize = STEPS / 50;

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
    let (mut deepest, mut failed) = (0, 0);
    for _ in 0..STEPS {
        thread.step()?;
        let sample = thread.sample_stopped()?;
        let unwound = unwinder.unwind(thread.process(), &sample);
        let locations = &unwound.locations;
        if unwound.end != StackEnd::Entry && is_in_dynamic_linker(locations.last()) {
            failed += 1;
            continue;
        }
        assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
        let start = locations.len().checked_sub(COMMON);
        let (_, above) = locations[start.context("too few frames")?..]
            .split_first()
            .context("frames")?;
        assert_eq!(callers.get_or_insert_with(|| above.to_vec()), above);
        deepest = deepest.max(locations.len());
    }
    assert!(failed <= MAY_FAIL, "{failed} of {STEPS} steps");
    // The dynamic linker was seen.
    assert!(deepest >= COMMON + 4, "{deepest}");
    Ok(())
}

fn is_in_dynamic_linker(location: Option<&Location>) -> bool {
    let module = location.and_then(|location| location.module.as_ref());
    module.is_some_and(|module| module.name().contains("/ld-linux"))
}
