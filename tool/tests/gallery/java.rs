//! Java: `FileChannel.transferTo` to a socket and to a channel that hides it, and streams.

use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::content::{Content, SIZE};
use crate::form::Bytes::{Kept, Lost};
use crate::form::{Bytes, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

/// A mode, and how bytes move.
const MODES: [(&str, (&str, Bytes)); 3] = [
    ("socket", ("zero_copy sendfile file -> tcp", Kept(SIZE))),
    ("wrapped", ("bounced read_write file -> tcp", Lost(SIZE))),
    ("stream", ("bounced read_write file -> tcp", Lost(SIZE))),
];

#[test]
fn java() -> Result<()> {
    let there = prerequisites::root().and_then(|()| {
        let java = prerequisites::program("java")?;
        Ok((java, prerequisites::program("javac")?))
    });
    let Some((java, javac)) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let classes = TempDir::new()?;
    let mut compiler = Command::new(javac);
    compiler.arg("-d").arg(classes.path());
    let output = compiler
        .arg(format!("{SOURCES}/java/Transfer.java"))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "javac fails: {said}");

    let content = Content::new()?;
    let forms: Result<Vec<_>> = MODES
        .iter()
        .map(|(mode, expected)| {
            let mut command = Command::new(&java);
            command
                .args(["-Xmx64m", "-XX:+UseSerialGC", "-cp"])
                .arg(classes.path())
                .args(["Transfer", mode])
                .arg(content.file());
            let name = format!("java {mode}");
            server::start(name, &mut command, load::drain, ("jvm", ""), *expected)
        })
        .collect();
    watch(&forms?).map(drop)
}
