//! A Go server before and after somebody wrapped its file in a counting reader: `diff` names what
//! happened, `check` passes on the first and fails on the second.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use copytax::lab::write_pattern;
use serde_json::Value;

use crate::support::children::Program;
use crate::support::{http, prerequisites};
use crate::tool::{copytax, record_process, run, said};

const GO: &str = "1.22.10";
const SIZE: u64 = 48 << 20;
/// Long enough for sixty steps.
const LENGTH: Duration = Duration::from_secs(6);

#[test]
fn a_wrapped_reader_is_found() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::go(GO));
    let Some(go) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let server = build(&go)?;
    let folder = tempfile::tempdir()?;
    let before = record(&server, "plain", &folder.path().join("before.ctx"))?;
    let after = record(&server, "wrapped", &folder.path().join("after.ctx"))?;
    let again = record(&server, "plain", &folder.path().join("again.ctx"))?;

    the_change_is_told(&before, &after, folder.path())?;
    check_tells_them_apart(&before, &after, folder.path())?;

    let same = run(["diff", &before, &again, "--json"])?;
    let same: Value = serde_json::from_slice(&same.stdout)?;
    let metrics = same["groups"][0]["metrics"].as_array().context("metrics")?;
    assert!(
        metrics[0]["quality"].is_null(),
        "the hit rate is what it was: {same}"
    );
    assert_eq!(
        same["groups"][0]["sites"],
        Value::Array(Vec::new()),
        "{same}"
    );
    Ok(())
}

fn the_change_is_told(before: &str, after: &str, folder: &Path) -> Result<()> {
    let svg = folder.join("x.svg");
    let svg = svg.to_str().context("text")?;
    let text = run(["diff", before, after, "--fail", "--flamegraph", svg])?;
    let shown = String::from_utf8(text.stdout.clone())?;
    assert_eq!(text.status.code(), Some(1), "{shown}{}", said(&text));
    assert!(
        shown.contains("the hit rate fell from 100.0% to 0.0%"),
        "{shown}"
    );
    assert!(shown.contains("lower by 100.0"), "{shown}");
    let line = format!(
        "new: read+write by main.justReader.Read (main.go:{})",
        line_of("r.inner.Read(p)")
    );
    assert!(shown.contains(&line), "{shown}");
    assert!(shown.contains("gone: sendfile by "), "{shown}");
    assert!(fs::read_to_string(svg)?.contains("main.justReader.Read"));

    let json = run(["diff", before, after, "--json"])?;
    assert_eq!(json.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&json.stdout)?;
    let group = &json["groups"][0];
    for (metric, quality) in [
        ("hit_rate", "worse"),
        ("lost_bytes_per_second", "worse"),
        ("lost_bytes_per_gb", "worse"),
        ("syscalls_per_gb", "worse"),
    ] {
        let metrics = group["metrics"].as_array().context("metrics")?;
        let found = metrics.iter().find(|entry| entry["metric"] == metric);
        let found = found.context(metric)?;
        assert_eq!(found["quality"], quality, "{group}");
    }
    Ok(())
}

fn check_tells_them_apart(before: &str, after: &str, folder: &Path) -> Result<()> {
    let demands = ["--min-hit-rate=90%", "--forbid=G1"];
    let passed = run(["check", before].into_iter().chain(demands))?;
    assert_eq!(passed.status.code(), Some(0), "{}", said(&passed));
    let junit = folder.join("out.xml");
    let sarif = folder.join("out.sarif");
    let failed = copytax(["check", after])
        .args(demands)
        .arg("--junit")
        .arg(&junit)
        .arg("--sarif")
        .arg(&sarif)
        .arg("--github")
        .current_dir(SOURCES)
        .output()?;
    let shown = String::from_utf8(failed.stdout.clone())?;
    assert_eq!(failed.status.code(), Some(1), "{shown}{}", said(&failed));
    assert!(
        shown.contains("FAIL all processes: hit rate 0.0% is below 90.0%"),
        "{shown}"
    );
    let line = line_of("r.inner.Read(p)");
    let annotation = format!("::error file=main.go,line={line},title=copytax::");
    assert!(shown.contains(&annotation), "{shown}");
    assert!(fs::read_to_string(junit)?.contains("main.justReader.Read"));
    let sarif: Value = serde_json::from_slice(&fs::read(sarif)?)?;
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "main.go");
    assert_eq!(place["region"]["startLine"], line);

    // A file does as well as the command line.
    fs::write(
        folder.join("copytax.toml"),
        "[[policy]]\nprocess = \"server*\"\nmin_hit_rate = 0.9\n",
    )?;
    for (file, status) in [(before, 0), (after, 1)] {
        let checked = copytax(["check", file]).current_dir(folder).output()?;
        assert_eq!(checked.status.code(), Some(status), "{}", said(&checked));
    }
    Ok(())
}

/// Records a server while it sends a file again and again.
fn record(server: &Path, shape: &str, file: &Path) -> Result<String> {
    let content = tempfile::tempfile()?;
    write_pattern(&content, SIZE, 23)?;
    // The file has no name any more, but this process holds it open.
    let path = name_of(&content);
    let (server, port) = Program::start_server(Command::new(server).args([shape, &path]))?;
    let name = file.to_str().context("text")?.to_owned();
    record_process(server.pid(), file, LENGTH, || {
        assert_eq!(http::drain(port)?, SIZE);
        Ok(())
    })?;
    Ok(name)
}

fn name_of(file: &File) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/go");

fn build(go: &Path) -> Result<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{GO}"));
    let program = folder.join("server-recorded");
    let mut command = Command::new(go);
    command.args(["build", "-o"]).arg(&program).arg(".");
    command.current_dir(SOURCES);
    prerequisites::alone_with_go(&mut command, GO);
    let status = command.status()?;
    ensure!(status.success(), "go {GO} cannot build the server");
    Ok(program)
}

/// The number of the line of the server's source that has `code`.
fn line_of(code: &str) -> u32 {
    let source = include_str!("../servers/go/main.go");
    let line = source.lines().position(|line| line.contains(code));
    line.map_or(0, |index| index as u32 + 1)
}
