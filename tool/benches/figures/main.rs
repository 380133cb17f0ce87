//! Published figures of zero-copy, measured on this machine: shapes of Go, a file server under load, ways to serve one
//! file, and rules of thumb. `cargo xtask bench figures` runs it; `docs/lab.md` keeps the figures.

#[path = "../support/document.rs"]
mod document;
#[path = "../support/quiet.rs"]
mod quiet;
#[path = "../support/statistics.rs"]
#[expect(dead_code, reason = "shared with other benchmarks")]
mod statistics;
#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "shared with tests")]
mod support;

mod harness;
mod process;
mod server;
mod shapes;
mod strace;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser;

use crate::support::{golang, prerequisites};

/// Published figures, measured here.
#[derive(Debug, Parser)]
struct Args {
    /// Write the figures to docs/lab.md.
    #[arg(long)]
    write: bool,
    /// Cargo says this to benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    prerequisites::root()?;
    let _awake = quiet::machine()?;
    let parts = [
        ("figures-shapes", shapes::measure()?),
        ("figures-server", server::measure()?),
        ("figures-harness", harness::ways()?),
        ("figures-rules", harness::rules()?),
    ];
    let provenance = document::provenance("cargo xtask bench figures --write");
    for (name, text) in parts {
        let text = format!("{provenance}\n{text}");
        println!("{text}");
        if args.write {
            document::replace_part("lab.md", name, &text)?;
        }
    }
    Ok(())
}

/// Compiles the program of Go that moves a file in many ways.
fn go(version: &str) -> Result<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gallery/go");
    golang::build(&prerequisites::go(version)?, version, &sources, "gallery")
}
