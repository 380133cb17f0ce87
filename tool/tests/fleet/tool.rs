//! The tool as these tests run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Runs it.
pub(crate) fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("COLUMNS");
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!said.contains("panicked"), "{said}");
    Ok(output)
}

/// What it said on stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What `copytax COMMAND FILES --format json` prints.
pub(crate) fn json(command: &str, files: &[PathBuf], more: &[&str]) -> Result<Value> {
    let mut arguments: Vec<&OsStr> = vec![command.as_ref()];
    arguments.extend(files.iter().map(AsRef::<OsStr>::as_ref));
    arguments.extend(["--format".as_ref(), OsStr::new("json")]);
    arguments.extend(more.iter().map(OsStr::new));
    let output = run(arguments)?;
    ensure!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).context("it prints JSON")
}

/// Exports recordings into a folder.
pub(crate) fn export(files: &[PathBuf], folder: &Path, more: &[&str]) -> Result<Output> {
    let mut arguments: Vec<&OsStr> = vec!["export".as_ref()];
    arguments.extend(files.iter().map(AsRef::<OsStr>::as_ref));
    arguments.extend(["-o".as_ref(), folder.as_os_str()]);
    arguments.extend(more.iter().map(OsStr::new));
    run(arguments)
}

/// A number of a document.
pub(crate) fn number(document: &Value, pointer: &str) -> Result<u64> {
    let found = document.pointer(pointer).and_then(Value::as_u64);
    found.with_context(|| format!("{pointer} in {document}"))
}

/// A list of a document.
pub(crate) fn list<'a>(document: &'a Value, name: &str) -> Result<&'a [Value]> {
    let found = document[name].as_array().map(Vec::as_slice);
    found.with_context(|| format!("{name} in {document}"))
}
