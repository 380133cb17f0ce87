//! Programs of this machine, recognised while they run. Those that are servers are in `tests/gallery`.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod built;
mod compiled;
mod interpreted;
mod replaced;

use std::process::Command;

use anyhow::{Context, Result};
use copytax::host::runtime::Runtimes;
use copytax::model::Runtime;

use support::children::Program;

/// Starts a program, and gives back its first line and what it is recognised as.
fn recognised(command: &mut Command) -> Result<(String, Runtime)> {
    let (program, line) = Program::start_speaking(command)?;
    let runtime = Runtimes::default().of_process(program.pid());
    let runtime = runtime.with_context(|| format!("{command:?} is not recognised"))?;
    Ok((line, runtime))
}
