//! A script under the audit, and what the audit may say of it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::support::audit::Audit;
use crate::support::ports::free_port;
use crate::support::prerequisites;
use crate::support::report::{Finding, Report};

/// A program at work.
pub(crate) struct Program {
    /// Programs that must be installed.
    pub(crate) needs: &'static [&'static str],
    /// Run by `sh -eu` in a folder of its own; `$1` is a free port.
    pub(crate) script: &'static str,
    /// What processes are named of which there must be calls in the report.
    pub(crate) comm: &'static str,
}

/// Runs it, and fails if a finding is fixable.
pub(crate) fn watch(program: &Program) -> Result<()> {
    let mut needs = program.needs.iter();
    let there = prerequisites::root()
        .and_then(|()| needs.try_for_each(|name| prerequisites::program(name).map(drop)));
    let Some(()) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    let script = format!("cd \"$2\"\n{}", program.script);
    let mut command = Command::new("sh");
    command
        .args(["-euc", &script, "sh", &free_port()?.to_string()])
        .arg(folder.path());
    let report = Audit::of_command("raw", &folder.path().join("stdout"), &command)?.report()?;
    is_precise(program, &report)
}

fn is_precise(program: &Program, report: &Report) -> Result<()> {
    let status = report.command.as_ref().context("a command was run")?;
    ensure!(status.exit_code == Some(0), "the script failed: {status:?}");
    let mut processes = report.processes.iter();
    let was_seen = processes.any(|process| process.comm == program.comm && process.has_written());
    ensure!(was_seen, "no process {} is in the report", program.comm);
    let fixable: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == "fixable")
        .collect();
    ensure!(fixable.is_empty(), "said to be fixable: {fixable:#?}");
    Ok(())
}
