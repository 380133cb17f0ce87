//! Processes that play a role: this program, started again with one of its ignored tests.

use std::env;
use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::support::audit::Audit;
use crate::support::prerequisites;
use crate::support::report::Report;

/// Set for a process that plays a role.
const PLAY: &str = "COPYTAX_TEST_PLAY";

/// Whether this process was started to play a role.
pub(crate) fn is_played() -> bool {
    env::var_os(PLAY).is_some()
}

/// What the audit says of a process that plays `role`, the name of an ignored test; `None` where none can
/// be made.
pub(crate) fn played(engine: &str, role: &str) -> Result<Option<Report>> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(None);
    }
    let folder = TempDir::new()?;
    let mut command = Command::new("env");
    command.arg(format!("{PLAY}=1")).arg(env::current_exe()?);
    command.args(["--exact", "--ignored", "--nocapture", role]);
    let out = folder.path().join("stdout");
    let report = Audit::of_command(engine, &out, &command)?.report()?;
    let said = std::fs::read_to_string(out)?;
    ensure!(said.contains("1 passed"), "the role failed: {said}");
    Ok(Some(report))
}
