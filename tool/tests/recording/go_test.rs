//! A Go test suite under `check`: it passes while the file is sent by the kernel, and fails once somebody
//! has wrapped it.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::Result;

use crate::support::prerequisites;
use crate::tool::said;

const GO: &str = "1.22.10";

#[test]
fn a_go_test_suite_is_checked() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::go(GO));
    let Some(go) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let plain = check(&go, "")?;
    let shown = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert_eq!(plain.status.code(), Some(0), "{shown}{}", said(&plain));
    let wrapped = check(&go, "1")?;
    let shown = String::from_utf8_lossy(&wrapped.stdout).into_owned();
    assert_eq!(wrapped.status.code(), Some(1), "{shown}{}", said(&wrapped));
    assert!(
        shown.contains("in fileserver.(*justReader).Read,"),
        "{shown}"
    );
    assert!(shown.contains("/serve_test.go:22"), "{shown}");
    Ok(())
}

/// Runs the suite, with the file wrapped or not.
fn check(go: &PathBuf, wrapped: &str) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command
        .args([
            "check",
            "--comm=fileserver.test",
            "--min-hit-rate=90%",
            "--",
        ])
        .arg(go)
        .args(["test", "-count=1", "./..."])
        .env("WRAPPED", wrapped)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recording/go"));
    prerequisites::alone_with_go(&mut command, GO);
    Ok(command.output()?)
}
