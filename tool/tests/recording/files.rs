//! What is no recording is refused in one line; `recording::tests` has the ways.

use std::fs;

use anyhow::{Context, Result};

use crate::support::prerequisites;
use crate::tool::{recorded, run, said};

#[test]
fn other_files_are_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("x\u{1b}[31m.ctx");
    fs::write(&file, "no recording")?;
    let path = file.to_str().context("text")?;
    for arguments in [
        &["report", path][..],
        &["report", path, "--format", "csv"],
        &["flamegraph", path, "-o", "-", "--format", "folded"],
    ] {
        let output = run(arguments)?;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty());
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.contains("is not a recording of copytax") && !said.contains('\u{1b}'),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn ranges_are_checked() -> Result<()> {
    let output = run(["report", "none", "--from", "2m", "--to", "1m"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--from must be before --to"));
    let output = run(["flamegraph", "none", "-p", "1", "-o", "x.svg"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("cannot be used with"),
        "{}",
        said(&output)
    );
    Ok(())
}

#[test]
fn recordings_are_taken_where_processes_are() -> Result<()> {
    let Some(()) = prerequisites::or_skip(prerequisites::root())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let file = recorded(folder.path())?;
    let path = file.to_str().context("text")?;
    let report = run(["report", path, "--format=json"])?;
    let audit = run(["audit", path, "--json"])?;
    assert!(report.status.success() && report.stdout == audit.stdout);
    for same in [
        &["report", path, "-o", path][..],
        &["flamegraph", path, "-o", path, "--format=svg"],
        &["diff", path, path, "--flamegraph", path],
        &["check", path, "--min-hit-rate=0", "--sarif", path],
    ] {
        let output = run(same)?;
        assert_eq!(output.status.code(), Some(2), "{same:?}");
        assert!(said(&output).contains("is a recording"), "{same:?}");
    }
    let rules = run(["explain", "--of", path])?;
    let text = String::from_utf8(rules.stdout.clone())?;
    assert!(
        rules.status.success() && !text.is_empty(),
        "{}",
        said(&rules)
    );
    Ok(())
}

/// What is left of a damaged file is told by reports, and is not good enough for checks.
#[test]
fn damage_is_told() -> Result<()> {
    let Some(()) = prerequisites::or_skip(prerequisites::root())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let file = recorded(folder.path())?;
    let path = file.to_str().context("text")?;
    let connection = rusqlite::Connection::open(&file)?;
    connection.execute("UPDATE counter_step SET bytes = bytes + 1", [])?;
    drop(connection);
    let report = run(["report", path, "--format=json"])?;
    let told = said(&report);
    assert!(report.status.success(), "{told}");
    assert!(
        told.contains("is damaged: its checksum is another"),
        "{told}"
    );
    let json: serde_json::Value = serde_json::from_slice(&report.stdout)?;
    assert_eq!(json["incomplete"], true);
    for refused in [
        &["check", path, "--min-hit-rate=0"][..],
        &["diff", path, path],
    ] {
        let output = run(refused)?;
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains("is damaged"), "{}", said(&output));
    }
    Ok(())
}
