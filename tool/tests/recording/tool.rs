//! The tool as these tests run it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use copytax::recording::Recording;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::patience::until;

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

/// Records a process in steps of a tenth of a second, and drives it until so much is recorded.
pub(crate) fn record_process(
    pid: u32,
    file: &Path,
    length: Duration,
    mut drive: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut tool = copytax(["record", "-v", "--interval=100ms", "-p"])
        .arg(pid.to_string())
        .arg("-o")
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = BufReader::new(tool.stderr.take().context("stderr is piped")?);
    let mut lines = said.lines().map_while(Result::ok);
    ensure!(
        lines.any(|line| line.contains("attached")),
        "it did not attach"
    );
    let started = Instant::now();
    loop {
        drive()?;
        // Whoever reads it holds it up.
        if started.elapsed() < length {
            continue;
        }
        let recording = Recording::open(file);
        if recording.is_ok_and(|recording| recording.duration() >= length) {
            break;
        }
    }
    kill_process(Pid::from_child(&tool), Signal::INT)?;
    let status = until("the end of a recording", || Ok(tool.try_wait()?))?;
    ensure!(status.success(), "{status}");
    Ok(())
}
