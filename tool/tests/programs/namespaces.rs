//! A process in namespaces of its own, as in a container: the kinds of its endpoints and its bytes
//! are what they are outside, and it goes by the pid that it has outside.

use std::fs::{self, File};
use std::process::Command;

use anyhow::{Result, ensure};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::python::SCRIPTS;
use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::prerequisites;
use crate::support::report::Process;
use crate::ways::{self, expected};

const SIZE: u64 = 3_000_000;

#[test]
fn bytes_inside_are_bytes_outside() -> Result<()> {
    let there = prerequisites::root()
        .and_then(|()| prerequisites::python())
        .and_then(|_| prerequisites::program("unshare"));
    let Some(unshare) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let expected = expected([
        ("bounced read_write tcp -> tcp, same_buffer", SIZE),
        ("bounced read_write unix -> tcp, same_buffer", SIZE),
        ("zero_copy sendfile file -> tcp", SIZE),
        ("bounced read_write udp -> udp, same_buffer", SIZE / 100),
    ]);
    let outside = moved(Command::new(prerequisites::python()?), |python| {
        Ok(python.pid())
    })?;
    assert_eq!(ways::of(&outside), expected);

    let mut inside = Command::new(unshare);
    inside.args([
        "--mount",
        "--net",
        "--ipc",
        "--uts",
        "--pid",
        "--fork",
        "--mount-proc",
    ]);
    inside.arg(prerequisites::python()?);
    let inside = moved(inside, Program::only_child)?;
    assert_eq!(ways::of(&inside), expected);
    assert_eq!(inside.comm, outside.comm);
    Ok(())
}

/// What the audit says of the Python program that a command starts; `find` tells its pid.
fn moved(mut command: Command, find: impl Fn(&Program) -> Result<u32>) -> Result<Process> {
    let folder = TempDir::new()?;
    write_pattern(File::create(folder.path().join("file"))?, SIZE, 23)?;
    command.arg(format!("{SCRIPTS}/endpoints.py"));
    command.arg(folder.path()).arg(SIZE.to_string());
    let (program, line) = Program::start_speaking(&mut command)?;
    ensure!(line == "ready", "{command:?} printed {line:?}");
    let pid = find(&program)?;
    let audit = Audit::of_process(pid)?;
    fs::write(folder.path().join("go"), "")?;
    let status = program.wait()?;
    ensure!(status.success(), "{command:?} failed with {status}");
    let report = audit.interrupt()?;
    report.nothing_lost()?;
    report.take(pid)
}
