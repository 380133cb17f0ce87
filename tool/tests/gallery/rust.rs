//! Rust: `io::copy` from a file, from a reader that hides it, and from a socket.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::Rule;
use crate::form::{Way, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server, upstream};

/// A mode, whether its client waits for a copy of the file, and how bytes move.
type Mode = (&'static str, bool, Way);

const MODES: [Mode; 5] = [
    ("socket", false, bounce("R3")),
    ("socket-wrapped", false, bounce("R3")),
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
    let there = prerequisites::root().and_then(|()| prerequisites::program("rustc"));
    let Some(rustc) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let content = Content::new()?;
    let program = content.folder().join("copy");
    let mut compiler = Command::new(rustc);
    compiler
        .args(["-O", "-g", "--edition=2024", "-o"])
        .arg(&program);
    let output = compiler.arg(format!("{SOURCES}/rust/copy.rs")).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "rustc fails: {said}");

    let forms: Result<Vec<_>> = MODES
        .iter()
        .map(|(mode, waits, way)| {
            let mut command = Command::new(&program);
            command.arg(mode).arg(content.file());
            if *mode == "relay" {
                command.arg(format!("127.0.0.1:{}", upstream::raw()?));
            }
            let load = if *waits { load::wait } else { load::drain };
            let name = format!("rust {mode}");
            server::start(name, &mut command, load, ("rust", "1."), *way)
        })
        .collect();
    watch(&forms?).map(drop)
}
