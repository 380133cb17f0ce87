//! `cargo xtask bench`: what copytax costs, measured on the running kernel.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::setup::{self, Level};
use crate::shell;

/// One benchmark each. All end with a line for each limit, and fail if one is not kept.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Nanoseconds per system call, beside an empty program and bpftrace.
    Overhead {
        /// Arguments of the benchmark: `--rounds N`, `--calls N`, `--write`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Time until everything is attached, and resident memory.
    Attach {
        /// Arguments of the benchmark: `--rounds N`, `--write`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Time and memory to unwind and name samples.
    Stacks {
        /// Arguments of the benchmark: `--rounds N`, `--write`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// What a server that bounces bytes as fast as it can loses by being sampled.
    Sampling {
        /// Arguments of the benchmark: `--pairs N`, `--write`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Published figures of zero-copy, measured here.
    Figures {
        /// Arguments of the benchmark: `--write`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Whether what findings say that a fix saves is what it saves.
    Savings {
        /// Arguments of the benchmark: `--rounds N`, `--write`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Size of the recording of an hour of 500 processes, and how long `report` and `diff` take.
    Recording,
}

/// Sets up, then runs one benchmark and gives its status back.
pub(crate) fn run(bench: &Bench) -> Result<ExitCode> {
    shell::require_root("`cargo xtask bench` loads eBPF programs and")?;
    // bpftrace and strace, which the figures are compared with.
    setup::ensure(&[Level::Build, Level::Tests])?;
    let (name, args): (_, &[OsString]) = match bench {
        Bench::Overhead { args } => ("overhead", args),
        Bench::Attach { args } => ("attach", args),
        Bench::Stacks { args } => ("stacks", args),
        Bench::Sampling { args } => ("sampling", args),
        Bench::Figures { args } => ("figures", args),
        Bench::Savings { args } => ("savings", args),
        Bench::Recording => ("recording", &[]),
    };
    let mut command = shell::cargo(&["bench", "--package=copytax", "--bench", name, "--"]);
    command.args(args);
    Ok(shell::exit_code(shell::status(&mut command)?))
}
