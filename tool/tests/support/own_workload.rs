//! Watching a test binary that is its own workload.

use std::ffi::OsStr;

use anyhow::Result;
use copytax::capture::EngineChoice;
use copytax::model::Snapshot;

use crate::counted::counted;

/// Watches this program with `--worker` and further arguments until it has ended, without an error.
pub(crate) fn watch(engine: EngineChoice, arguments: &[&OsStr]) -> Result<Snapshot, String> {
    let run = || {
        let mut command = vec![std::env::current_exe()?.into(), "--worker".into()];
        command.extend(arguments.iter().copied().map(OsStr::to_owned));
        counted(engine, command)
    };
    run().map_err(|error: anyhow::Error| format!("{error:#}"))
}
