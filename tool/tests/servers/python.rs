//! Servers of Python's standard library.

use std::fs::File;
use std::process::Command;

use anyhow::{Result, ensure};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::report::Process;
use crate::support::{http, prerequisites};

/// Size of the served file.
const SIZE: u64 = 64 << 20;

/// How often it is fetched.
const REQUESTS: u64 = 5;

#[test]
fn http_server_bounces() -> Result<()> {
    let Some(server) = served("http_server.py", "", |port| http::get(port, "/file"))? else {
        return Ok(());
    };
    assert_eq!(server.bytes.zero_copy, 0);
    // shutil.copyfileobj: what `read` filled goes to `sendto` as it is.
    assert_eq!(server.bytes.lost, SIZE * REQUESTS, "{server:#?}");
    // The headers, and the log lines on standard error.
    assert!((1..=1000 * REQUESTS).contains(&server.bytes.generated));
    assert!(server.bytes_to("tcp", Some("read_write")) > SIZE * REQUESTS);
    assert_eq!(server.hit_rate, Some(0.0));
    Ok(())
}

#[test]
fn socket_sendfile_is_sent_by_the_kernel() -> Result<()> {
    let Some(server) = served("socket_sendfile.py", "file", http::drain)? else {
        return Ok(());
    };
    assert_eq!(
        server.bytes_to("tcp", Some("sendfile")),
        SIZE * REQUESTS,
        "{server:#?}"
    );
    assert_eq!(server.bytes_to("tcp", None), SIZE * REQUESTS);
    assert_eq!(server.bytes.zero_copy, SIZE * REQUESTS);
    assert_eq!(server.bytes.lost, 0);
    assert_eq!(server.hit_rate, Some(1.0));
    Ok(())
}

/// What the audit says of a server that has sent the file a few times and ended.
fn served(script: &str, path: &str, fetch: impl Fn(u16) -> Result<u64>) -> Result<Option<Process>> {
    let there = prerequisites::root().and_then(|()| prerequisites::python());
    let Some(python) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let folder = TempDir::new()?;
    write_pattern(File::create(folder.path().join("file"))?, SIZE, 23)?;
    let mut command = Command::new(python);
    command.arg(format!("{SCRIPTS}/{script}"));
    command
        .arg(folder.path().join(path))
        .arg(REQUESTS.to_string());
    let log = folder.path().join("log");
    let (server, port) = Program::start_server(command.stderr(File::create(&log)?))?;

    let pid = server.pid();
    let audit = Audit::of_process(pid)?;
    for _ in 0..REQUESTS {
        assert_eq!(fetch(port)?, SIZE);
    }
    let status = server.wait()?;
    let log = std::fs::read_to_string(log)?;
    ensure!(status.success(), "{script} failed with {status}: {log}");
    audit.interrupt()?.take(pid).map(Some)
}

/// Where the Python programs of these tests are.
pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/python");
