//! Counting a command in this process, without sampling.

use std::ffi::OsString;

use anyhow::{Context as _, Result, ensure};
use copytax::capture::{self, EngineChoice, Settings, Target};
use copytax::model::Snapshot;

/// What was counted of a command until it has ended, which it must do without an error.
pub(crate) fn counted(engine: EngineChoice, command: Vec<OsString>) -> Result<Snapshot> {
    let settings = Settings {
        target: Target::Command(command),
        duration: None,
        engine,
        profiling: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let snapshot = runtime.block_on(capture::live(&settings, std::future::pending()))?;
    let outcome = snapshot.command.as_ref().context("a command was run")?;
    ensure!(outcome.exit_code == Some(0), "it failed: {outcome:?}");
    Ok(snapshot)
}
