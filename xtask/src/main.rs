//! What a developer of copytax runs: `cargo xtask <command>`.
//!
//! This crate must build on a machine that has nothing but rustup, cargo and a C linker, so it
//! depends neither on the `copytax` package nor on the kernel half.

mod bench;
mod demo;
mod fuzz;
mod lint;
mod setup;
mod shell;
mod test;
mod vm;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit status of a task that the environment does not allow, as in copytax itself.
const CANNOT: u8 = 2;

/// What a developer of copytax runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

/// One task each.
#[derive(Debug, Subcommand)]
enum Task {
    /// Find or install what a build needs: kernel-half toolchain, bpf-linker, packages, tracefs.
    Setup(setup::Args),
    /// Set up, build, and audit a built-in workload (as root).
    Demo,
    /// Set up, then run every test (as root), on this kernel and in the virtual machine; with ARGS,
    /// only `cargo test` with these.
    Test {
        /// Arguments for `cargo test`, such as `--test truth -- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Set up, then run the kernel half's tests on Linux 6.1, in an emulated virtual machine.
    Vm,
    /// Set up, then measure what copytax costs (as root).
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Set up, then feed the readers of recordings, policies, rules, kernel records and programs
    /// anything, for a bounded time; a crash fails.
    Fuzz(fuzz::Args),
    /// Set up, then rustfmt and clippy over both halves; any warning fails.
    Lint,
}

fn main() -> ExitCode {
    let outcome = match Args::parse().task {
        Task::Setup(args) => setup::run(&args),
        Task::Demo => demo::run(),
        Task::Test { args } => test::run(&args),
        Task::Vm => vm::run(),
        Task::Bench(bench) => bench::run(&bench),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Lint => lint::run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::from(CANNOT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn test_arguments_pass_through_untouched() {
        let args = Args::parse_from([
            "xtask",
            "test",
            "--",
            "--test",
            "truth",
            "--",
            "--nocapture",
        ]);
        let Task::Test { args } = args.task else {
            panic!("not the test task");
        };
        assert_eq!(args, ["--test", "truth", "--", "--nocapture"]);
    }
}
