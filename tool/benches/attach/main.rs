//! What attaching costs: milliseconds until everything counts, and the memory of an audit of a
//! busy machine. `cargo xtask bench attach` runs it; `docs/performance.md` keeps the figures.

mod memory;
mod times;

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;
use copytax::model::Engine;

use crate::support::document;
use crate::times::Times;

/// Milliseconds from the start of loading until everything is attached.
const ATTACH_LIMIT: f64 = 300.0;
/// Resident megabytes while a machine with [`PROCESSES`] is watched.
const MEMORY_LIMIT: f64 = 40.0;
/// The same where functions are named, too: files with names and lines are mapped meanwhile.
const MEMORY_LIMIT_WITH_STACKS: f64 = 300.0;
/// Idle processes on the machine while memory is measured.
const PROCESSES: usize = 2_000;

/// What attaching costs.
#[derive(Debug, Parser)]
struct Args {
    /// Times that each engine is attached.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write the figures to docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Cargo says this to benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can attach; run this as root"
    );
    copytax::host::kernel::lift_memlock();
    let engines = [("raw", Engine::Raw), ("tracepoint", Engine::Tracepoint)];
    let mut times = engines.map(|(_, engine)| Times::new(engine));
    for _ in 0..args.rounds {
        for engine in &mut times {
            engine.measure()?;
        }
    }
    let mut table = times::head();
    let mut lines = String::new();
    let mut kept = true;
    for ((name, _), times) in engines.iter().zip(&times) {
        table += &times.row(name);
        let total = times.median_until_attached();
        lines += &limit(
            &mut kept,
            &format!("attached with the {name} engine after"),
            total,
            "ms",
            ATTACH_LIMIT,
        );
    }
    let audits = [
        (
            "counts alone (`--no-stacks`)",
            &["--no-stacks"][..],
            MEMORY_LIMIT,
        ),
        (
            "with stacks, and their names",
            &[],
            MEMORY_LIMIT_WITH_STACKS,
        ),
    ];
    for (what, words, megabytes) in audits {
        lines += &limit(
            &mut kept,
            &format!("peak resident memory with {PROCESSES} idle processes, {what}"),
            memory::peak_of_audit(PROCESSES, words)?,
            "MB",
            megabytes,
        );
    }
    let text = format!(
        "{}\nMilliseconds, median of {} (best):\n\n{table}\n{lines}",
        document::provenance("cargo xtask bench attach --write"),
        args.rounds
    );
    println!("{text}");
    if args.write {
        document::replace_part("performance.md", "attach", &text)?;
    }
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A line of what is held against its limit.
fn limit(kept: &mut bool, what: &str, value: f64, unit: &str, limit: f64) -> String {
    *kept &= value <= limit;
    format!(
        "- {}: {what} {value:.0} {unit} (limit {limit:.0} {unit})\n",
        if value <= limit { "pass" } else { "FAIL" }
    )
}
