//! What is replayed is what was counted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::support::prerequisites;
use crate::tool::{record_workload, recorded, run, said};

#[test]
fn live_and_replayed_reports_are_the_same_to_the_byte() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    for interval in ["100ms", "1000s"] {
        let file = folder.path().join(interval);
        let interval = format!("--interval={interval}");
        let live = record_workload(&file, 8 << 20, &[&interval, "--kernel", "--json"])?;
        ensure!(live.status.success(), "{}", live.status);
        let file = file.to_str().context("text")?;
        let replayed = run(["report", file, "--format=json"])?;
        ensure!(replayed.status.success(), "{}", said(&replayed));
        assert_eq!(said(&replayed), "", "a complete recording needs no warning");
        assert!(live.stdout == replayed.stdout, "the reports differ");
        let report: Value = serde_json::from_slice(&live.stdout)?;
        let sites = report["processes"].as_array().context("processes")?;
        let is_sampled = |process: &Value| {
            let sites = process["call_sites"].as_array();
            sites.is_some_and(|sites| !sites.is_empty())
        };
        ensure!(sites.iter().any(is_sampled), "no call site was met");
    }
    Ok(())
}

#[test]
fn every_format_is_written() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = recorded(folder.path())?;
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    let path = file.to_str().context("text")?;
    for (format, begin) in [
        ("text", &b"read+write ("[..]),
        ("json", b"{"),
        ("csv", b"pid,start_time,comm"),
        ("folded", b""),
        ("pprof", &[0x1f, 0x8b]),
    ] {
        let output = run(["report", path, "--format", format])?;
        ensure!(output.status.success(), "{format}: {}", said(&output));
        assert!(output.stdout.starts_with(begin), "{format}");
        assert!(!output.stdout.is_empty(), "{format}");
    }
    let svg = folder.path().join("x.svg");
    let drawn = run(["flamegraph", path, "-o", svg.to_str().context("text")?])?;
    ensure!(drawn.status.success(), "{}", said(&drawn));
    assert!(fs::read_to_string(&svg)?.contains("<svg"));

    let output = run(["report", path, "--format=json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let first = &report["processes"][0];
    let pid = first["pid"].to_string();
    let output = run(["report", path, "--format=json", "-p", &pid])?;
    let part: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(part["processes"].as_array().map(Vec::len), Some(1));
    assert_eq!(part["processes"][0], *first);
    let output = run(["report", path, "--fail-on", "fixable"])?;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    Ok(())
}

/// Nothing is left of a recording that never began.
#[test]
fn a_recording_that_cannot_begin_leaves_nothing() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("x.ctx");
    let path = file.to_str().context("text")?;
    let output = run(["record", "-o", path, "-p", "4194304"])?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    fs::write(&file, "precious")?;
    let output = run(["record", "-o", path, "-d", "100ms"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--force overwrites it"));
    assert_eq!(fs::read(&file)?, b"precious");
    let output = run([
        "record",
        "-o",
        path,
        "-d",
        "100ms",
        "--force",
        "--no-stacks",
    ])?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    Ok(())
}
