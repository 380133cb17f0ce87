//! Python: the standard library's server, sockets, aiohttp and gunicorn; with and without names of functions.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::content::{Content, SIZE};
use crate::form::Bytes::{AtLeast, Kept, Lost};
use crate::form::Says::{Nothing, Rule};
use crate::form::{Form, Way, watch};
use crate::support::prerequisites;
use crate::{SOURCES, load, server};

const SENDFILE: Way = Way("zero_copy sendfile file -> tcp", Kept(SIZE), Nothing);

const fn bounce(rule: &'static str) -> Way {
    Way("bounced read_write file -> tcp", Lost(SIZE), Rule(rule))
}

/// A script, its mode, a client, and how bytes move.
pub(crate) type Script = (&'static str, &'static str, fn(u16) -> Result<()>, Way);

pub(crate) const STANDARD: &[Script] = &[
    ("standard.py", "http", load::get, bounce("P6")),
    ("standard.py", "sendfile", load::drain, SENDFILE),
    ("standard.py", "forbidden", load::drain, bounce("F2")),
    ("standard.py", "asyncio", load::drain, SENDFILE),
    ("standard.py", "asyncio-wrapped", load::drain, bounce("P6")),
];

#[test]
fn standard_library() -> Result<()> {
    watch_all(python(), &[], STANDARD)
}

#[test]
fn standard_library_with_names() -> Result<()> {
    watch_all(
        prerequisites::root().and_then(|()| prerequisites::python_with_names()),
        NAMES,
        &[
            ("standard.py", "http", load::get, bounce("P5")),
            ("standard.py", "asyncio", load::drain, SENDFILE),
            ("standard.py", "asyncio-wrapped", load::drain, bounce("P1")),
        ],
    )
}

pub(crate) const AIOHTTP: &[Script] = &[
    ("files.py", "plain", load::get, SENDFILE),
    (
        "files.py",
        "compressed",
        load::get_compressed,
        Way(
            "generated read_write none -> tcp",
            AtLeast(SIZE / 2),
            Rule("T2"),
        ),
    ),
    ("files.py", "without-sendfile", load::get, bounce("P6")),
    ("files.py", "uvloop", load::get, bounce("P2")),
];

#[test]
fn aiohttp() -> Result<()> {
    watch_all(python_with_packages(), &[], AIOHTTP)
}

#[test]
fn aiohttp_with_names() -> Result<()> {
    watch_all(
        with_packages_and_names(),
        NAMES,
        &[
            ("files.py", "plain", load::get, SENDFILE),
            ("files.py", "without-sendfile", load::get, bounce("P3")),
        ],
    )
}

#[test]
fn gunicorn() -> Result<()> {
    watch_all(
        with_packages_and_names(),
        NAMES,
        &[
            ("workers.py", "file-wrapper", load::get, SENDFILE),
            ("workers.py", "middleware", load::get, bounce("P4")),
        ],
    )
}

pub(crate) fn python() -> Result<PathBuf> {
    prerequisites::root()?;
    prerequisites::python()
}

pub(crate) fn python_with_packages() -> Result<PathBuf> {
    prerequisites::root()?;
    prerequisites::testbed("python")?;
    prerequisites::python()
}

/// What was compiled for another interpreter is left out: the packages have all of it in Python, too.
fn with_packages_and_names() -> Result<PathBuf> {
    prerequisites::root()?;
    prerequisites::testbed("python")?;
    prerequisites::python_with_names()
}

/// Has Python tell the names of its functions.
const NAMES: &[&str] = &["-X", "perf"];

fn watch_all(python: Result<PathBuf>, options: &[&str], scripts: &[Script]) -> Result<()> {
    let content = Content::new()?;
    let Some(forms) = forms(&content, python, options, scripts)? else {
        return Ok(());
    };
    watch(&forms).map(drop)
}

/// Starts the scripts; `None` where Python is not there.
pub(crate) fn forms(
    content: &Content,
    python: Result<PathBuf>,
    options: &[&str],
    scripts: &[Script],
) -> Result<Option<Vec<Form>>> {
    let Some(python) = prerequisites::or_skip(python)? else {
        return Ok(None);
    };
    let forms = scripts.iter().map(|(script, mode, load, expected)| {
        let mut command = Command::new(&python);
        command
            .args(options)
            .arg(format!("{SOURCES}/python/{script}"))
            .arg(mode)
            .arg(content.file());
        if let Ok(packages) = prerequisites::testbed("python") {
            command.env("PYTHONPATH", packages);
        }
        let name = format!("{script} {mode}");
        server::start(name, &mut command, *load, ("cpython", "3."), *expected)
    });
    forms.collect::<Result<_>>().map(Some)
}
