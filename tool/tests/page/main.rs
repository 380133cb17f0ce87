//! The page of a report, in a real browser: it loads nothing and says nothing on the console, it is used by
//! mouse and by keyboard, axe finds no barrier, and an hour of a busy machine opens at once.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod browser;
#[path = "../support/hour.rs"]
mod hour;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use browser::{Browser, Seen};
use support::prerequisites::{self, or_skip};

/// The command name of a process that wants to be markup.
const HOSTILE: &str = "<script>";

/// Makes a page of a recording.
fn page_of(recording: &Path, page: &Path) -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .arg("report")
        .arg(recording)
        .args(["--format", "html", "-o"])
        .arg(page)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.is_empty(), "{said}");
    Ok(())
}

/// Records what the embedded workload does, and a copy by a program with a name of its own choice; writes
/// a page of it, too, while it is counted.
fn recorded(folder: &Path) -> Result<()> {
    let hostile = folder.join(HOSTILE);
    fs::copy(prerequisites::program("dd")?, &hostile)?;
    let script = r#"
        dd if=/dev/zero of=source bs=1M count=64 2>/dev/null
        ./"$1" if=source of=target bs=64k 2>/dev/null
        "$2" workload --transfers=400 --bytes=1048576 2>/dev/null
    "#;
    for arguments in [
        &["record", "-o", "x.ctx", "--interval=100ms"][..],
        &["audit", "--html", "live.html"],
    ] {
        let status = Command::new(env!("CARGO_BIN_EXE_copytax"))
            .args(arguments)
            .args(["--", "sh", "-c", script, "sh", HOSTILE])
            .arg(env!("CARGO_BIN_EXE_copytax"))
            .current_dir(folder)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "{status}");
    }
    Ok(())
}

#[test]
fn a_page_is_read_and_used_by_mouse_and_keyboard() -> Result<()> {
    let Some(browser) = or_skip(prerequisites::root().and_then(|()| Browser::find()))? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    recorded(folder.path())?;
    let page = folder.path().join("x.html");
    page_of(&folder.path().join("x.ctx"), &page)?;
    let markup = fs::read_to_string(&page)?;
    assert!(markup.contains("&lt;script&gt;"), "the hostile process");
    for page in [page, folder.path().join("live.html")] {
        let seen = browser.open(&page)?;
        is_quiet_and_usable(&seen)?;
        for part in [
            "timeline",
            "findings",
            "paths",
            "processes",
            "flows",
            "flames",
        ] {
            assert!(seen.parts.iter().any(|seen| seen == part), "{part}");
        }
        assert!(seen.text.contains("lost"), "{}", seen.text);
        // Open, closed by a click, open again by a key.
        assert_eq!(seen.findings, Some(vec![true, false, true]));
        flame_is_used(&seen)?;
        table_is_used(&seen)?;
    }
    Ok(())
}

#[test]
fn the_page_of_the_lab_is_read() -> Result<()> {
    let Some(browser) = or_skip(Browser::find())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    for (name, sizes) in [
        ("lab-sizes", &["1k", "16k", "256k", "1m"][..]),
        ("lab-one", &["64k"]),
    ] {
        let page = folder.path().join(name).with_extension("html");
        let mut lab = Command::new(env!("CARGO_BIN_EXE_copytax"));
        lab.args(["lab", "--quick", "--html"]).arg(&page);
        lab.args(sizes.iter().flat_map(|size| ["--size", size]));
        let output = lab.output()?;
        ensure!(output.status.success(), "{output:?}");
        let seen = browser.open(&page)?;
        is_quiet_and_usable(&seen)?;
        for part in ["tcp", "unix", "file"] {
            assert!(seen.parts.iter().any(|seen| seen == part), "{part}");
        }
        assert!(seen.text.contains("95% intervals"), "{}", seen.text);
    }
    Ok(())
}

#[test]
fn an_hour_of_a_busy_machine_opens_in_two_seconds() -> Result<()> {
    let Some(browser) = or_skip(Browser::find())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let recording = folder.path().join("hour.ctx");
    hour::record(&recording, 1, 10)?;
    let page = folder.path().join("hour.html");
    page_of(&recording, &page)?;
    let seen = browser.open(&page)?;
    is_quiet_and_usable(&seen)?;
    let size = fs::metadata(&page)?.len();
    println!("opened in {:.0} ms, {size} bytes", seen.milliseconds);
    assert!(seen.milliseconds < 2000.0, "{}", seen.milliseconds);
    Ok(())
}

fn is_quiet_and_usable(seen: &Seen) -> Result<()> {
    assert_eq!(seen.said, Vec::<String>::new(), "on the console");
    assert_eq!(seen.requests, Vec::<String>::new(), "requests");
    for (where_, found) in [
        ("light", &seen.violations),
        ("dark", &seen.dark_violations),
        ("phone", &seen.phone_violations),
    ] {
        assert!(found.is_empty(), "{where_}: {found:#?}");
    }
    ensure!(seen.phone_width <= 390, "{} wide", seen.phone_width);
    Ok(())
}

fn flame_is_used(seen: &Seen) -> Result<()> {
    let flame = seen.flame.as_ref().context("a flame graph")?;
    assert_eq!(flame.detail, flame.focused, "what has the focus is told");
    let is = |width: f64, other: f64| (width - other).abs() < 0.01;
    assert!(flame.before < 99.0, "a box that can grow: {flame:?}");
    assert!(is(flame.zoomed, 100.0), "Enter zooms: {flame:?}");
    assert!(is(flame.after, flame.before), "Escape shows all: {flame:?}");
    assert!(is(flame.clicked, 100.0), "a click zooms: {flame:?}");
    assert!(is(flame.reset, flame.before), "the button: {flame:?}");
    assert!(flame.found > 0 && flame.matched.ends_with("% matched"));
    Ok(())
}

fn table_is_used(seen: &Seen) -> Result<()> {
    let table = seen.table.as_ref().context("a table")?;
    assert!(table.rising.len() > 1 && table.rising.is_sorted());
    assert!(table.falling.iter().rev().is_sorted());
    assert!(
        (1..table.rising.len()).contains(&table.shown),
        "{}",
        table.shown
    );
    Ok(())
}
