//! Go servers: stripped, position-independent, old and new.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use copytax::lab::write_pattern;
use copytax::stack::unwind::Unwound;
use tempfile::TempDir;

use crate::load::Samples;
use crate::support::children::Program;
use crate::support::http;
use crate::support::prerequisites::{self, or_skip};
use crate::symbols::Symbols;

/// Size of the served file.
const SIZE: u64 = 8 << 20;

#[test]
fn old() -> Result<()> {
    check("1.22.10", &[])
}

#[test]
fn old_without_symbols() -> Result<()> {
    check("1.22.10", &["-ldflags=-s -w"])
}

#[test]
fn new() -> Result<()> {
    check("1.27.3", &[])
}

#[test]
fn new_position_independent_without_symbols() -> Result<()> {
    check("1.27.3", &["-ldflags=-s -w", "-buildmode=pie"])
}

fn check(version: &str, options: &[&str]) -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::go(version));
    let Some(go) = or_skip(there)? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    let program = build(&go, version, options, &folder)?;
    let file = folder.path().join("file");
    write_pattern(fs::File::create(&file)?, SIZE, 23)?;
    let mut command = Command::new(&program);
    let (server, port) = Program::start_server(command.arg("wrapped").arg(file))?;
    let samples = Samples::take(server.pid(), || http::drain(port).map(drop))?;
    samples.reach_entry(&format!("Go {version} {options:?}"))?;
    if options.is_empty() {
        no_caller_is_left_out(&Symbols::read(&program)?, &samples.stacks)?;
    }
    Ok(())
}

/// The function that makes system calls keeps no frame pointer, so that a walk by frame pointers
/// leaves out its caller.
fn no_caller_is_left_out(symbols: &Symbols, stacks: &[Unwound]) -> Result<()> {
    let names = stacks.iter().map(|stack| {
        let locations = stack.locations.iter();
        let names = locations.map(|location| symbols.name(location.instruction()));
        names.collect::<Vec<_>>()
    });
    let reads: Vec<_> = names
        .filter(|names| names[0].ends_with(".Syscall6") && names.contains(&"syscall.read"))
        .collect();
    ensure!(!reads.is_empty(), "the server was never seen to read");
    for names in reads {
        let callers = ["syscall.RawSyscall6", "syscall.Syscall", "syscall.read"];
        ensure!(names[1..4] == callers, "{names:?}");
        ensure!(names.contains(&"main.(*justReader).Read"), "{names:?}");
        ensure!(
            names.ends_with(&["main.main", "runtime.main", "runtime.goexit.abi0"]),
            "{names:?}"
        );
    }
    Ok(())
}

/// Builds the server of the tests of servers.
fn build(go: &Path, version: &str, options: &[&str], folder: &TempDir) -> Result<PathBuf> {
    /// The cache is for all builds, and they need more than one core each.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{version}"));
    let program = folder.path().join("testserver");
    let status = Command::new(go)
        .arg("build")
        .args(options)
        .arg("-o")
        .arg(&program)
        .arg(".")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/go"))
        // Nothing of the machine's own Go, and nothing from the network.
        .env_remove("GOROOT")
        .env_remove("GOFLAGS")
        .env("GOENV", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOPROXY", "off")
        .env("GOPATH", cache.join("path"))
        .env("GOCACHE", cache.join("cache"))
        .env("CGO_ENABLED", "0")
        .status()?;
    ensure!(status.success(), "go {version} cannot build the server");
    Ok(program)
}
