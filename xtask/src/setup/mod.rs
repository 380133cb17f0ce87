//! `cargo xtask setup`: finds or installs what builds, tests and lints need.
//!
//! A step looks first and does only what is missing, so that a second run changes nothing.

mod apt;
mod components;
mod crates;
mod envoy;
mod go;
mod guest;
mod kafka;
mod linker;
mod npm;
mod packages;
mod pip;
mod python;
mod toolchain;
mod tracefs;
mod versions;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::CANNOT;
use crate::shell::say;
use apt::Apt;

pub(crate) use toolchain::NAME as KERNEL_TOOLCHAIN;

/// What `cargo xtask setup` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change nothing: report what is there and what is missing, and exit 2 if anything is.
    #[arg(long)]
    check: bool,
    /// What the tests need, too: servers and other programs, a browser, tracers to compare with, file
    /// systems, three Go compilers, a 32-bit C library, and a virtual machine with its kernel.
    #[arg(long)]
    tests: bool,
    /// What `cargo xtask lint` needs, too: rustfmt and clippy for both halves.
    #[arg(long)]
    lint: bool,
}

/// A part of the setup that a task can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// What a build and a run need.
    Build,
    /// What the tests on this kernel need on top.
    Tests,
    /// What the tests in the virtual machine need on top.
    Machine,
    /// What the lints need on top.
    Lint,
}

/// What a look at the machine found.
#[derive(Debug)]
enum State {
    /// It is there: this is what was found.
    Have(String),
    /// It is not, and why.
    Missing(String),
}

impl State {
    /// That of what is provided below the testbed, in a folder with a name.
    fn of_testbed(folder: &str, found: Result<bool>) -> Self {
        match found {
            Ok(true) => Self::Have(format!("testbed/{folder}")),
            Ok(false) => Self::Missing("not in the testbed".to_owned()),
            Err(error) => Self::Missing(format!("{error:#}")),
        }
    }
}

/// One thing to find or to install.
trait Step {
    /// What it is, as a noun.
    fn name(&self) -> String;
    /// Looks, and changes nothing.
    fn probe(&self) -> State;
    /// Provides it.
    fn provide(&self, apt: &mut Apt) -> Result<()>;
    /// What is lost without it, where one can go on.
    fn optional(&self) -> Option<&'static str> {
        None
    }
}

/// The steps of a level, in the order in which they build on one another.
fn steps(level: Level) -> Vec<Box<dyn Step>> {
    match level {
        Level::Build => vec![
            Box::new(packages::BUILD),
            Box::new(linker::BpfLinker),
            Box::new(toolchain::KernelToolchain),
            Box::new(tracefs::Tracefs),
        ],
        Level::Tests => vec![
            Box::new(packages::TESTS),
            Box::new(go::Go("1.22.10")),
            Box::new(go::Go("1.27.3")),
            Box::new(python::PythonPackages),
            Box::new(npm::BrowserPackages),
            Box::new(envoy::Envoy),
            Box::new(kafka::Kafka),
            Box::new(crates::Crates),
        ],
        Level::Machine => vec![Box::new(packages::MACHINE), Box::new(guest::GuestKernel)],
        Level::Lint => vec![
            Box::new(components::Userspace),
            Box::new(components::KernelHalf),
        ],
    }
}

/// Runs `cargo xtask setup`.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut levels = vec![Level::Build];
    if args.tests {
        levels.extend([Level::Tests, Level::Machine]);
    }
    levels.extend(args.lint.then_some(Level::Lint));
    if args.check {
        return Ok(check(&levels));
    }
    ensure(&levels)?;
    Ok(ExitCode::SUCCESS)
}

/// Reports, and changes nothing.
fn check(levels: &[Level]) -> ExitCode {
    let mut missing = 0;
    for step in levels.iter().flat_map(|level| steps(*level)) {
        match step.probe() {
            State::Have(what) => say!("have: {} ({what})", step.name()),
            State::Missing(why) => {
                missing += 1;
                say!("missing: {} ({why})", step.name());
            }
        }
    }
    if missing == 0 {
        return ExitCode::SUCCESS;
    }
    say!("missing in all: {missing}; `cargo xtask setup` with the same options provides them");
    ExitCode::from(CANNOT)
}

/// Provides everything of these levels that is missing, each step announced.
pub(crate) fn ensure(levels: &[Level]) -> Result<()> {
    let mut apt = Apt::default();
    for step in levels.iter().flat_map(|level| steps(*level)) {
        provide(&*step, &mut apt)?;
    }
    Ok(())
}

/// Looks, provides if need be, and looks again.
fn provide(step: &dyn Step, apt: &mut Apt) -> Result<()> {
    let name = step.name();
    match step.probe() {
        State::Have(what) => {
            say!("have: {name} ({what})");
            return Ok(());
        }
        State::Missing(why) => say!("setup: {name} ({why})"),
    }
    let outcome = step.provide(apt).and_then(|()| match step.probe() {
        State::Have(what) => {
            say!("have: {name} ({what})");
            Ok(())
        }
        State::Missing(why) => bail!("still missing after its installation: {why}"),
    });
    match (outcome, step.optional()) {
        (Err(error), Some(lost)) => {
            say!("without: {name} ({error:#}): {lost}");
            Ok(())
        }
        (outcome, _) => outcome.map_err(|error| error.context(format!("no {name}"))),
    }
}
