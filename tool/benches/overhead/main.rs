//! What watching costs: nanoseconds that copytax adds to a system call, beside an empty program and
//! bpftrace. `cargo xtask bench overhead` runs it; `docs/performance.md` keeps the figures.

mod bpftrace;
mod child;
mod limits;
mod measure;
mod patience;
mod strace;
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod watchers;
mod workload;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::support::document;

/// What watching costs.
#[derive(Debug, Parser)]
struct Args {
    /// Times that every configuration is attached.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Calls per round, configuration and kind of call.
    #[arg(long, default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(100..))]
    calls: u32,
    /// Write the figures to docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Be the process that is measured.
    #[arg(long, hide = true)]
    child: bool,
    /// Cargo says this to benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.child {
        child::run()?;
        return Ok(ExitCode::SUCCESS);
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can attach; run this as root"
    );
    copytax::host::kernel::lift_memlock();
    let figures = measure::run(args.rounds, args.calls)?;
    let (lines, kept) = limits::judge(&figures);
    let text = format!(
        "{}\n{}\n{lines}",
        document::provenance("cargo xtask bench overhead --write"),
        tables::render(&figures)
    );
    println!("{text}");
    if args.write {
        document::replace_part("performance.md", "overhead", &text)?;
    }
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
