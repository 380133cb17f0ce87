//! Go servers: io.Copy from readers of four shapes to a TCP connection.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use copytax::lab::write_pattern;

use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::report::Process;
use crate::support::{http, prerequisites};

const OLD: &str = "1.22.10";
const NEW: &str = "1.27.3";

/// Size of the served file.
const SIZE: u64 = 512 << 20;

#[test]
fn old_plain_file_is_sent_by_the_kernel() -> Result<()> {
    sent_by_the_kernel(OLD, "plain")
}

#[test]
fn old_limited_reader_is_sent_by_the_kernel() -> Result<()> {
    sent_by_the_kernel(OLD, "limited")
}

#[test]
fn old_wrapped_reader_bounces() -> Result<()> {
    bounces(OLD, "wrapped")
}

#[test]
fn old_section_reader_bounces() -> Result<()> {
    bounces(OLD, "section")
}

#[test]
fn new_plain_file_is_sent_by_the_kernel() -> Result<()> {
    sent_by_the_kernel(NEW, "plain")
}

#[test]
fn new_limited_reader_is_sent_by_the_kernel() -> Result<()> {
    sent_by_the_kernel(NEW, "limited")
}

#[test]
fn new_wrapped_reader_bounces() -> Result<()> {
    bounces(NEW, "wrapped")
}

#[test]
fn new_section_reader_bounces() -> Result<()> {
    bounces(NEW, "section")
}

#[test]
fn old_wrapper_is_named() -> Result<()> {
    wrapper_is_named(OLD)
}

#[test]
fn new_wrapper_is_named() -> Result<()> {
    wrapper_is_named(NEW)
}

/// Whatever was stripped from the program, and wherever it was loaded: the function that hides the file
/// is named, with its line.
fn wrapper_is_named(version: &str) -> Result<()> {
    for form in [PLAIN, STRIPPED, PIE, STRIPPED_PIE] {
        let Some(server) = served(version, form, "wrapped")? else {
            return Ok(());
        };
        let site = server.largest_site("bounced")?;
        let culprit = site.culprit.as_ref().context("no culprit")?;
        let function = culprit.function.as_deref();
        assert_eq!(function, Some("main.justReader.Read"), "{form:?}");
        assert!(
            culprit
                .file
                .as_ref()
                .is_some_and(|file| file.ends_with("/go/main.go"))
        );
        assert_eq!(culprit.line, Some(line_of("r.inner.Read(p)")), "{form:?}");
        let share = site.bytes.value as f64 / SIZE as f64;
        assert!(
            (0.5..1.001).contains(&share),
            "{form:?}: {share} of all bytes"
        );
        server.stacks_reach_their_entry()?;
    }
    Ok(())
}

/// The number of the line of the server's source that has `code`.
fn line_of(code: &str) -> u32 {
    let source = include_str!("go/main.go");
    let line = source.lines().position(|line| line.contains(code));
    line.map_or(0, |index| index as u32 + 1)
}

fn sent_by_the_kernel(version: &str, shape: &str) -> Result<()> {
    let Some(server) = served(version, PLAIN, shape)? else {
        return Ok(());
    };
    assert_eq!(server.bytes_to("tcp", None), SIZE);
    assert_eq!(server.bytes_to("tcp", Some("sendfile")), SIZE);
    assert_eq!(server.bytes.zero_copy, SIZE);
    assert_eq!(server.bytes.lost, 0);
    assert!(server.hit_rate > Some(0.999), "{server:#?}");
    Ok(())
}

fn bounces(version: &str, shape: &str) -> Result<()> {
    let Some(server) = served(version, PLAIN, shape)? else {
        return Ok(());
    };
    assert_eq!(server.bytes_to("tcp", None), SIZE);
    assert_eq!(server.bytes_to("tcp", Some("read_write")), SIZE);
    assert_eq!(server.bytes.zero_copy, 0);
    assert!(server.bytes.lost >= SIZE / 1000 * 999, "{server:#?}");
    assert!(server.bytes.lost <= SIZE, "{server:#?}");
    assert!(
        server.hit_rate.is_some_and(|rate| rate < 0.001),
        "{server:#?}"
    );
    Ok(())
}

/// A way to build a program, and the flags for it.
type Form = (&'static str, &'static [&'static str]);

const PLAIN: Form = ("plain", &[]);
const STRIPPED: Form = ("stripped", &["-ldflags=-s -w"]);
const PIE: Form = ("pie", &["-buildmode=pie"]);
const STRIPPED_PIE: Form = ("stripped-pie", &["-buildmode=pie", "-ldflags=-s -w"]);

/// What the audit says of a server that has sent the file once.
fn served(version: &str, form: Form, shape: &str) -> Result<Option<Process>> {
    let there = prerequisites::root().and_then(|()| prerequisites::go(version));
    let Some(go) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let file = content()?;
    // The file has no name any more, but this process holds it open.
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mut command = Command::new(build(&go, version, form)?);
    let (server, port) = Program::start_server(command.args([shape, &path]))?;

    let audit = Audit::of_process(server.pid())?;
    assert_eq!(http::drain(port)?, SIZE);
    let report = audit.interrupt()?;
    report.take(server.pid()).map(Some)
}

/// The served file, one for all tests, without a name so that nothing is left behind.
fn content() -> Result<&'static File> {
    static CONTENT: Mutex<Option<&'static File>> = Mutex::new(None);
    let mut content = CONTENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(file) = *content {
        return Ok(file);
    }
    let file = tempfile::tempfile()?;
    write_pattern(&file, SIZE, 23)?;
    Ok(content.insert(Box::leak(Box::new(file))))
}

/// Builds the server with one version of Go.
fn build(go: &PathBuf, version: &str, (form, flags): Form) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{version}"));
    let program = folder.join(form);
    let mut command = Command::new(go);
    command
        .arg("build")
        .args(flags)
        .arg("-o")
        .arg(&program)
        .arg(".")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/go"));
    prerequisites::alone_with_go(&mut command, version);
    let status = command.status()?;
    ensure!(status.success(), "go {version} cannot build the server");
    Ok(program)
}
