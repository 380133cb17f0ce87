//! Programs whose files are not what they were, and processes that become another program.

use std::fs::{self, File};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result};
use copytax::model::StackEnd;
use copytax::stack::module::Module;
use copytax::stack::unwind::{Unwinder, Unwound};

use crate::calls::Built;
use crate::sampler::Traced;
use crate::support::children::Program;
use crate::support::patience::until;

#[test]
fn deleted_program() -> Result<()> {
    let Some(program) = Built::or_skip(&[])? else {
        return Ok(());
    };
    let (running, _) = Program::start_speaking(Command::new(program.path()).arg("recursion"))?;
    fs::remove_file(program.path())?;
    reaches_entry_of(&program, &running)
}

#[test]
fn replaced_program() -> Result<()> {
    let Some(program) = Built::or_skip(&[])? else {
        return Ok(());
    };
    let (running, _) = Program::start_speaking(Command::new(program.path()).arg("recursion"))?;
    fs::copy("/bin/sh", program.other())?;
    fs::rename(program.other(), program.path())?;
    reaches_entry_of(&program, &running)
}

#[test]
fn process_that_becomes_another_program() -> Result<()> {
    let Some(program) = Built::or_skip(&[])? else {
        return Ok(());
    };
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            r#"echo; until [ -e "$2" ]; do :; done; exec "$1" recursion >/dev/null"#,
            "sh",
        ])
        .args([program.path(), program.other()]);
    let (running, _) = Program::start_speaking(&mut command)?;
    let thread = Traced::attach(running.pid(), running.pid())?;
    let mut unwinder = Unwinder::new();
    let first = unwinder.unwind(thread.process(), &thread.sample()?);
    assert_eq!(first.end, StackEnd::Entry, "{first:#x?}");
    File::create(program.other())?;
    until("the stack of the other program", || {
        let unwound = unwinder.unwind(thread.process(), &thread.sample()?);
        let is_deep = unwound.end == StackEnd::Entry && unwound.locations.len() > 200;
        Ok(is_deep.then_some(()))
    })
}

#[test]
fn processes_share_modules() -> Result<()> {
    let Some(program) = Built::or_skip(&[])? else {
        return Ok(());
    };
    let mut unwinder = Unwinder::new();
    let mut modules = Vec::new();
    for _ in 0..2 {
        let mut command = Command::new(program.path());
        let (running, _) = Program::start_speaking(command.arg("recursion"))?;
        let unwound = sampled(&mut unwinder, &running)?;
        modules.push(entry(&unwound)?);
    }
    assert!(Arc::ptr_eq(&modules[0], &modules[1]));
    Ok(())
}

fn reaches_entry_of(program: &Built, running: &Program) -> Result<()> {
    let unwound = sampled(&mut Unwinder::new(), running)?;
    assert_eq!(unwound.end, StackEnd::Entry, "{unwound:#x?}");
    let module = entry(&unwound)?;
    assert_eq!(Some(&**module.name()), program.path().to_str());
    assert!(module.is_elf());
    Ok(())
}

fn sampled(unwinder: &mut Unwinder, running: &Program) -> Result<Unwound> {
    let thread = Traced::attach(running.pid(), running.pid())?;
    Ok(unwinder.unwind(thread.process(), &thread.sample()?))
}

/// The module of the outermost frame.
fn entry(unwound: &Unwound) -> Result<Arc<Module>> {
    let location = unwound.locations.last().context("a frame")?;
    location.module.clone().context("a module")
}
