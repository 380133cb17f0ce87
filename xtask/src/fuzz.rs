//! `cargo xtask fuzz`: feeds the readers of what others wrote anything, for a bounded time.
//!
//! The programs of `fuzz/` are those of cargo-fuzz, which works with them, too. It is not needed here:
//! they build with stable Rust and the flags below. No sanitizer of memory is among these, because what
//! is fuzzed is safe Rust, in which a mistake is a panic, and all that it would find costs a build of
//! everything with nightly Rust.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::setup::{self, Level};
use crate::shell::{self, say};
use crate::workspace;

/// What lets libFuzzer see which code an input reaches, as cargo-fuzz has it.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// Longest input, in bytes. It has room for a recording.
const LONGEST: u32 = 1 << 17;
/// Seconds that one input may take, and MiB that it may need.
const SLOWEST: u32 = 10;
const LARGEST: u32 = 1 << 10;

/// What `cargo xtask fuzz` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long to feed each target.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Only these targets, of `fuzz/fuzz_targets` [default: all].
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// Sets up, builds, and feeds as many targets at a time as there are processors.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    // A C++ compiler, for libFuzzer.
    setup::ensure(&[Level::Build, Level::Tests])?;
    let folder = workspace::target_dir()?.join("fuzz");
    let programs = build(&folder)?;
    let all = targets()?;
    let mut wanted = args.targets.clone();
    if let Some(unknown) = wanted.iter().find(|target| !all.contains(target)) {
        bail!(
            "there is no target {unknown}; there are: {}",
            all.join(", ")
        );
    }
    if wanted.is_empty() {
        wanted = all;
    }
    let seeds = folder.join("seeds");
    let mut write = Command::new(programs.join("seeds"));
    shell::run(write.arg("-runs=0").env("COPYTAX_SEEDS", &seeds))?;
    let at_a_time = thread::available_parallelism().map_or(1, usize::from);
    let mut failed = Vec::new();
    for few in wanted.chunks(at_a_time) {
        let started: Vec<(&String, Child)> = few
            .iter()
            .map(|target| Ok((target, start(target, &folder, &programs, args.seconds)?)))
            .collect::<Result<_>>()?;
        for (target, mut child) in started {
            if !child.wait()?.success() {
                failed.push(target.clone());
            }
        }
    }
    Ok(report(&folder, &wanted, &failed))
}

/// Builds the programs, and gives the folder that they are in.
fn build(folder: &Path) -> Result<PathBuf> {
    let triple = shell::output("rustc", &["-vV"]).and_then(|text| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
    });
    let triple = triple.context("rustc does not say what it builds for")?;
    // With a target, the flags are not those of build scripts and macros.
    shell::run(
        shell::cargo(&["build", "--release", "--locked", "--target", &triple])
            .arg("--manifest-path=fuzz/Cargo.toml")
            .arg("--target-dir")
            .arg(folder)
            .env("RUSTFLAGS", FLAGS),
    )?;
    Ok(folder.join(triple).join("release"))
}

/// The names of all targets.
fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(workspace::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if let Some(name) = path.file_stem() {
            targets.push(name.to_string_lossy().into_owned());
        }
    }
    targets.sort();
    Ok(targets)
}

/// Starts to feed a target: what it has found before, and its seeds, and what it makes of these.
fn start(target: &str, folder: &Path, programs: &Path, seconds: u32) -> Result<Child> {
    let corpus = folder.join("corpus").join(target);
    let crashes = folder.join("crashes").join(target);
    for folder in [&corpus, &crashes] {
        fs::create_dir_all(folder)?;
    }
    let mut command = Command::new(programs.join(target));
    command
        .args([&corpus, &folder.join("seeds").join(target)])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-timeout={SLOWEST}"))
        .arg(format!("-rss_limit_mb={LARGEST}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .args(["-print_final_stats=1", "-verbosity=0"]);
    say!("$ {}", shell::line(&command));
    command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))
}

fn report(folder: &Path, fed: &[String], failed: &[String]) -> ExitCode {
    say!("fuzzed: {}; failed: {}", fed.len(), failed.len());
    for target in failed {
        say!(
            "{target} failed: what it was fed is in {}",
            folder.join("crashes").join(target).display()
        );
    }
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
