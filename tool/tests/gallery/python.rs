//! Python: the standard library's server, sockets, and aiohttp.

use std::process::Command;

use anyhow::Result;

use crate::content::{Content, SIZE};
use crate::form::Bytes::{AtLeast, Kept, Lost};
use crate::form::{Bytes, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

const SENDFILE: (&str, Bytes) = ("zero_copy sendfile file -> tcp", Kept(SIZE));
const BOUNCE: (&str, Bytes) = ("bounced read_write file -> tcp", Lost(SIZE));

/// A script, its mode, a client, and how bytes move.
type Script = (
    &'static str,
    &'static str,
    fn(u16) -> Result<()>,
    (&'static str, Bytes),
);

#[test]
fn standard_library() -> Result<()> {
    forms(
        prerequisites::root(),
        &[
            ("standard.py", "http", load::get, BOUNCE),
            ("standard.py", "sendfile", load::drain, SENDFILE),
        ],
    )
}

#[test]
fn aiohttp() -> Result<()> {
    let compressed = ("generated read_write none -> tcp", AtLeast(SIZE / 2));
    forms(
        prerequisites::root().and_then(|()| prerequisites::testbed("python").map(drop)),
        &[
            ("files.py", "plain", load::get, SENDFILE),
            ("files.py", "compressed", load::get_compressed, compressed),
        ],
    )
}

fn forms(there: Result<()>, scripts: &[Script]) -> Result<()> {
    let there = there.and_then(|()| prerequisites::python());
    let Some(python) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let content = Content::new()?;
    let forms: Result<Vec<_>> = scripts
        .iter()
        .map(|(script, mode, load, expected)| {
            let mut command = Command::new(&python);
            command
                .arg(format!("{SOURCES}/python/{script}"))
                .arg(mode)
                .arg(content.file());
            if let Ok(packages) = prerequisites::testbed("python") {
                command.env("PYTHONPATH", packages);
            }
            let name = format!("{script} {mode}");
            server::start(name, &mut command, *load, ("cpython", "3."), *expected)
        })
        .collect();
    watch(&forms?).map(drop)
}
