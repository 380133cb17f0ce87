//! Time in system calls, as `strace` tells it, which stops the program twice for each.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

/// Seconds by the clock that a process is in calls that move bytes, while `work` is done.
pub(crate) fn seconds(pid: u32, work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let summary = NamedTempFile::new()?;
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-w", "-U", "total-time,name"])
        .args(["-e", "trace=sendfile,read,write", "-o"])
        .arg(summary.path())
        .args(["-p", &pid.to_string()])
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(strace.stderr.take().context("stderr is piped")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    ensure!(line.contains("attached"), "strace said {line:?}");
    let done = work();
    kill_process(Pid::from_child(&strace), Signal::INT)?;
    // It ends by the signal that it was sent.
    strace.wait()?;
    done?;
    let summary = fs::read_to_string(summary.path())?;
    let total = summary.lines().find(|line| line.ends_with("total"));
    let total = total.and_then(|line| line.split_whitespace().next());
    let total = total.with_context(|| format!("no total in {summary}"))?;
    Ok(total.parse()?)
}
