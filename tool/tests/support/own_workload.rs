//! Watching a test binary that is its own workload.

use std::ffi::OsStr;

use copytax::capture::{self, EngineChoice, Settings, Target};
use copytax::model::Snapshot;

/// Watches this program with `--worker` and further arguments until it has ended, without an error.
pub(crate) fn watch(engine: EngineChoice, arguments: &[&OsStr]) -> Result<Snapshot, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = vec![program.into(), "--worker".into()];
    command.extend(arguments.iter().copied().map(OsStr::to_owned));
    let settings = Settings {
        target: Target::Command(command),
        duration: None,
        engine,
        profiling: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let snapshot = runtime
        .block_on(capture::live(&settings, std::future::pending()))
        .map_err(|error| error.to_string())?;
    match snapshot.command.as_ref().map(|outcome| outcome.exit_code) {
        Some(Some(0)) => Ok(snapshot),
        other => Err(format!("the workload has failed: {other:?}")),
    }
}
