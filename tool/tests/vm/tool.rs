//! The tool as a user runs it.

use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub(crate) const COPYTAX: &str = env!("CARGO_BIN_EXE_copytax");

fn run(arguments: &[&str]) -> Result<Output> {
    let output = Command::new(COPYTAX)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("the tool does not start")?;
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "copytax {} ended with {}: {}{}",
        arguments.join(" "),
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
    Ok(output)
}

/// Doctor finds that audits can run.
pub(crate) fn doctor() -> Result<()> {
    run(&["doctor"]).map(drop)
}

/// The built-in workload is audited, and was seen.
pub(crate) fn audit(engine: &str) -> Result<()> {
    let workload = [COPYTAX, "workload", "--bytes=1048576", "--transfers=2"];
    let text = run(&[&["audit", "--engine", engine, "--"], &workload[..]].concat())?;
    let text = String::from_utf8_lossy(&text.stdout);
    ensure!(text.contains("hit rate"), "no report: {text}");
    let report = report(engine, &workload)?;
    let lost = &report["totals"]["bytes"]["lost"];
    ensure!(*lost == 2 << 20, "lost {lost}: {report:#}");
    Ok(())
}

/// The report of an audit of a command, which ended well.
pub(crate) fn report(engine: &str, command: &[&str]) -> Result<Value> {
    let audit = ["audit", "--json", "--engine", engine, "--"];
    let output = run(&[&audit, command].concat())?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(
        report["command"]["exit_code"] == 0,
        "{command:?} failed: {report:#}"
    );
    Ok(report)
}
