//! Rust: `io::copy` from a file and from a reader that hides it.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::{Bytes, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

/// A mode, a client, and how bytes move.
type Mode = (&'static str, fn(u16) -> Result<()>, (&'static str, Bytes));

const BOUNCE: (&str, Bytes) = ("bounced read_write file -> tcp", Lost(SIZE));

const MODES: [Mode; 4] = [
    // The standard library sends no file to a socket by the kernel: it might change before it is received
    // (`safe_kernel_copy` in `library/std/src/sys/io/kernel_copy/linux.rs`, Rust 1.95).
    ("socket", load::drain, BOUNCE),
    ("socket-wrapped", load::drain, BOUNCE),
    (
        "file",
        load::wait,
        ("zero_copy copy_file_range file -> file", Kept(SIZE)),
    ),
    (
        "file-wrapped",
        load::wait,
        ("bounced read_write file -> file", Lost(SIZE)),
    ),
];

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
        .map(|(mode, load, expected)| {
            let mut command = Command::new(&program);
            command.arg(mode).arg(content.file());
            let name = format!("rust {mode}");
            server::start(name, &mut command, *load, ("rust", "1."), *expected)
        })
        .collect();
    watch(&forms?).map(drop)
}
