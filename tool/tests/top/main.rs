//! The live view in a real terminal, which tmux gives it.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

#[path = "../support/hour.rs"]
#[expect(dead_code, reason = "shared with the bench of recordings")]
mod hour;
mod load;
mod screen;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use copytax::live::{Colors, Message, Session};
use load::Load;
use screen::Screen;
use support::prerequisites::{self, or_skip};

/// What the tests need.
fn needed() -> Result<()> {
    prerequisites::root()?;
    prerequisites::program("tmux").map(drop)
}

#[test]
fn it_is_driven_by_keys() -> Result<()> {
    if or_skip(needed())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let load = Load::start(folder.path())?;
    let screen = Screen::start(folder.path(), 100, 24)?;
    screen.type_line(&format!(
        "{} top {}",
        env!("CARGO_BIN_EXE_copytax"),
        load.targets()
    ))?;
    // The loser is first: by lost bytes.
    screen.shows("both", |text| {
        let (loser, other) = (text.find("loser"), text.find("sender"));
        loser.is_some() && loser < other && text.contains("LOST▾")
    })?;
    let start = screen.text()?;
    assert!(start.starts_with("hit rate "), "{start}");
    assert!(
        start.contains("CPU TAX") && start.contains("loss: none"),
        "{start}"
    );

    screen.keys(&["s"])?;
    screen.shows("sorted", |text| {
        text.contains("ZERO-COPY▾") && text.find("sender") < text.find("loser")
    })?;
    screen.keys(&["/", "l", "o", "s", "Enter"])?;
    screen.shows("filtered", |text| {
        text.contains("filter: los") && !text.contains("sender")
    })?;
    screen.keys(&["Down", "Enter"])?;
    screen.shows("in detail", |text| {
        text.contains("file -> file") && text.contains("hottest call sites")
    })?;
    screen.keys(&["Escape", "?"])?;
    screen.shows("help", |text| {
        text.contains("write the last minute to a recording")
    })?;
    screen.keys(&["x", "w"])?;
    screen.shows("frozen", |text| text.contains(".ctx has the last"))?;
    screen.resize(44, 12)?;
    screen.shows("narrow", |text| {
        text.lines().all(|line| line.chars().count() <= 44)
            && text.contains("LOST")
            && !text.contains("GENERATED")
    })?;
    screen.resize(220, 30)?;
    screen.shows("wide", |text| text.contains("CGROUP"))?;
    screen.keys(&["q"])?;
    screen.is_given_back()?;

    let mut files = fs::read_dir(folder.path())?.filter_map(|entry| Some(entry.ok()?.path()));
    let frozen = files
        .find(|path| path.extension().is_some_and(|extension| extension == "ctx"))
        .context("a recording")?;
    let report = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .arg("report")
        .arg(frozen)
        .output()?;
    let report = String::from_utf8(report.stdout)?;
    assert!(report.contains("loser"), "{report}");
    Ok(())
}

#[test]
fn the_terminal_is_given_back() -> Result<()> {
    if or_skip(needed())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let load = Load::start(folder.path())?;
    let screen = Screen::start(folder.path(), 80, 24)?;
    let top = format!("{} top {}", env!("CARGO_BIN_EXE_copytax"), load.targets());
    let shown = |text: &str| text.contains("loser");
    // Ctrl-C, and SIGTERM.
    screen.type_line(&top)?;
    screen.shows("it", shown)?;
    screen.keys(&["C-c"])?;
    screen.is_given_back()?;
    screen.type_line(&top)?;
    screen.shows("it", shown)?;
    screen.signal("TERM")?;
    screen.is_given_back()?;
    // Ctrl-Z and SIGTSTP stop it, and fg goes on.
    for stop in [None, Some("TSTP")] {
        screen.type_line(&top)?;
        screen.shows("it", shown)?;
        match stop {
            None => screen.keys(&["C-z"])?,
            Some(signal) => screen.signal(signal)?,
        }
        screen.shows("the shell", |text| text.contains("Stopped"))?;
        screen.is_given_back()?;
        screen.type_line("fg")?;
        screen.shows("it again", |text| shown(text) && !text.contains("Stopped"))?;
        screen.keys(&["q"])?;
        screen.is_given_back()?;
    }
    Ok(())
}

/// Looks at a process, and panics when it looks closer. The test below runs it in a terminal.
#[test]
#[ignore = "panics on purpose"]
fn a_view_that_panics() {
    let (sender, messages) = channel();
    let mut look = hour::machine(1);
    for flow in &mut look.flows {
        flow.bytes = 1000;
    }
    sender
        .send(Message::Look(Arc::new(look)))
        .expect("received below");
    let session = Session {
        messages,
        interval: Duration::from_secs(1),
        colors: Colors::None,
        folder: ".".into(),
        diagnose: Box::new(|_, _| panic!("on purpose")),
    };
    copytax::live::run(&session).expect("a terminal");
}

#[test]
fn a_panic_gives_the_terminal_back() -> Result<()> {
    if or_skip(needed())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let screen = Screen::start(folder.path(), 80, 24)?;
    let this = std::env::current_exe()?;
    screen.type_line(&format!(
        "{} --ignored --nocapture a_view_that_panics",
        this.display()
    ))?;
    screen.shows("it", |text| text.contains("server1"))?;
    screen.keys(&["Down", "Enter"])?;
    screen.shows("why", |text| text.contains("on purpose"))?;
    screen.is_given_back()
}

#[test]
fn batches_are_text() -> Result<()> {
    if or_skip(needed())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let load = Load::start(folder.path())?;
    let output = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .args(["top", "-b", "-n", "2", "--interval", "500ms"])
        .args(load.targets().split(' '))
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    assert_eq!(text.matches("hit rate ").count(), 2, "{text}");
    assert!(text.contains("loser") && !text.contains('\u{1b}'), "{text}");
    Ok(())
}

#[test]
fn what_is_no_terminal_is_refused() -> Result<()> {
    let output = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .arg("top")
        .output()?;
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr)?;
    assert!(said.contains("--batch"), "{said}");
    Ok(())
}
