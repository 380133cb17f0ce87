//! The tool as these tests run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Result, ensure};

/// The command line of the tool.
pub(crate) fn copytax(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs it; what it does may fail, but it must end by itself.
pub(crate) fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
    let output = copytax(arguments).output()?;
    let said = said(&output);
    ensure!(output.status.code().is_some(), "{}: {said}", output.status);
    ensure!(!said.contains("panicked"), "{said}");
    Ok(output)
}

/// What it said on stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Records the embedded workload, which sends so many bytes in each way; `more` are arguments before it.
pub(crate) fn record_workload(file: &Path, bytes: u64, more: &[&str]) -> Result<Output> {
    let mut command = copytax(["record", "-o"]);
    command.arg(file).args(more).arg("--");
    command.args([env!("CARGO_BIN_EXE_copytax"), "workload", "--transfers=20"]);
    command.arg(format!("--bytes={bytes}"));
    // The workload says what it did, which is not part of a report.
    command.stderr(Stdio::null());
    Ok(command.output()?)
}

/// A recording of the embedded workload.
pub(crate) fn recorded(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("x.ctx");
    let output = record_workload(&file, 1 << 20, &["--interval=100ms"])?;
    ensure!(output.status.success(), "{}", output.status);
    Ok(file)
}

/// Whether there is a recording that has something.
pub(crate) fn has_steps(file: &Path) -> bool {
    let output = run([Path::new("report"), file, Path::new("--format=csv")]);
    output.is_ok_and(|output| output.status.success())
}
