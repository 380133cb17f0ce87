//! Rust: `io::copy` from a file, from a reader that hides it, and from a socket; a loop of the program's own;
//! and axum, which has no form that keeps the fast path.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost, LostAtLeast};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Form, Way, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server, upstream};

/// A mode, whether its client waits for a copy of the file, and how bytes move.
type Mode = (&'static str, bool, Way);

const MODES: [Mode; 7] = [
    ("socket", false, bounce("R3")),
    ("socket-wrapped", false, bounce("R3")),
    ("loop", false, bounce("C1")),
    (
        "sendfile",
        false,
        Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing),
    ),
    (
        "relay",
        false,
        Way("bounced read_write tcp -> tcp", Lost(SIZE), Rule("R4")),
    ),
    (
        "file",
        true,
        Way(
            "zero_copy copy_file_range file -> file",
            Kept(SIZE),
            Rule("K4"),
        ),
    ),
    (
        "file-wrapped",
        true,
        Way("bounced read_write file -> file", Lost(SIZE), Rule("R1")),
    ),
];

const fn bounce(rule: &'static str) -> Way {
    Way("bounced read_write file -> tcp", Lost(SIZE), Rule(rule))
}

#[test]
fn rust() -> Result<()> {
    let content = Content::new()?;
    let Some(forms) = forms(&content)? else {
        return Ok(());
    };
    watch(&forms).map(drop)
}

/// Starts the program in all modes; `None` where it cannot be built or watched.
pub(crate) fn forms(content: &Content) -> Result<Option<Vec<Form>>> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("rustc"));
    let Some(rustc) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let program = content.folder().join("copy");
    let mut compiler = Command::new(rustc);
    compiler
        .args(["-O", "-g", "--edition=2024", "-o"])
        .arg(&program);
    compiler.arg(format!("{SOURCES}/rust/copy.rs"));
    build(&mut compiler)?;

    let forms = MODES.iter().map(|(mode, waits, way)| {
        let mut command = Command::new(&program);
        command.arg(mode).arg(content.file());
        if *mode == "relay" {
            command.arg(format!("127.0.0.1:{}", upstream::raw()?));
        }
        let load = if *waits { load::wait } else { load::drain };
        let name = format!("rust {mode}");
        server::start(name, &mut command, load, ("rust", "1."), *way)
    });
    forms.collect::<Result<_>>().map(Some)
}

#[test]
fn axum() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("cargo"));
    let Some(cargo) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("axum");
    let mut compiler = Command::new(cargo);
    compiler
        .args([
            "build",
            "--release",
            "--locked",
            "--offline",
            "--manifest-path",
        ])
        .arg(format!("{SOURCES}/rust/files/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder);
    build(&mut compiler)?;
    let content = Content::new()?;
    let mut command = Command::new(folder.join("release/files"));
    command.arg(content.file());
    // What is left of a write goes together with what was read since: many writes have bytes of several reads.
    let way = Way(
        "bounced read_write file -> tcp",
        LostAtLeast(SIZE / 16),
        Rule("R2"),
    );
    let name = "axum".to_owned();
    let form = server::start(name, &mut command, load::get, ("rust", "1."), way)?;
    watch(&[form]).map(drop)
}

fn build(compiler: &mut Command) -> Result<()> {
    let output = compiler.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{compiler:?} fails: {said}");
    Ok(())
}
