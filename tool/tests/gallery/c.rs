//! C: a loop of the program's own, and `sendfile`.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Way, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

const MODES: [(&str, Way); 2] = [
    (
        "loop",
        Way("bounced read_write file -> tcp", Lost(SIZE), Rule("C1")),
    ),
    (
        "sendfile",
        Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing),
    ),
];

#[test]
fn c() -> Result<()> {
    let there = prerequisites::root().and_then(|()| prerequisites::program("cc"));
    let Some(compiler) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let content = Content::new()?;
    let program = content.folder().join("send");
    let output = Command::new(compiler)
        .args(["-O2", "-Wall", "-Werror", "-o"])
        .arg(&program)
        .arg(format!("{SOURCES}/c/send.c"))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cc fails: {said}");
    let forms: Result<Vec<_>> = MODES
        .iter()
        .map(|(mode, way)| {
            let mut command = Command::new(&program);
            command.arg(mode).arg(content.file());
            let name = format!("c {mode}");
            server::start(name, &mut command, load::drain, ("c", ""), *way)
        })
        .collect();
    watch(&forms?).map(drop)
}
