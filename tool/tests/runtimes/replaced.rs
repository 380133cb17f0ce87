//! Programs whose file changes while they run, and those that are gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use copytax::host::runtime::Runtimes;
use copytax::model::RuntimeName::{C, Cpp, Rust};

use crate::built::Built;
use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::prerequisites;

#[test]
fn a_program_is_what_it_was_started_as() -> Result<()> {
    let built = Built::with("cc", "hello.c", &[])
        .and_then(|old| Ok((old, Built::with("c++", "hello.cc", &[])?)));
    let Some((old, new)) = prerequisites::or_skip(built)? else {
        return Ok(());
    };
    let mut runtimes = Runtimes::default();
    let mut name = |pid| runtimes.of_process(pid).map(|runtime| runtime.name);
    let (before, _) = Program::start_speaking(&mut Command::new(old.program()))?;
    fs::copy(new.program(), old.folder().join("new"))?;
    fs::rename(old.folder().join("new"), old.program())?;
    assert_eq!(name(before.pid()), Some(C));
    let (after, _) = Program::start_speaking(&mut Command::new(old.program()))?;
    assert_eq!(name(after.pid()), Some(Cpp));
    fs::remove_file(old.program())?;
    assert_eq!(
        (name(before.pid()), name(after.pid())),
        (Some(C), Some(Cpp))
    );
    Ok(())
}

#[test]
fn a_program_that_is_gone_is_recognised_by_its_file() -> Result<()> {
    let there = prerequisites::root().and_then(|()| Built::with("rustc", "gone.rs", &[]));
    let Some(built) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let keep = built.program();
    let remove = built.folder().join("removed");
    fs::copy(&keep, &remove)?;
    assert_eq!(name_when_gone(&built, &keep)?.as_deref(), Some(Rust.name()));
    assert_eq!(name_when_gone(&built, &remove)?, None);
    Ok(())
}

/// The runtime of a program in the report of an audit, which ends after it.
fn name_when_gone(built: &Built, program: &Path) -> Result<Option<String>> {
    let out = built.folder().join("out");
    let report = Audit::of_command("raw", &out, &Command::new(program))?.report()?;
    let comm = program.file_name().context("it has a name")?;
    let comm = comm.to_str().context("it is UTF-8")?;
    let runtime = report.named(comm)?.runtime.as_ref();
    Ok(runtime.map(|runtime| runtime.name.clone()))
}
