//! `cargo xtask demo`: from a fresh checkout to a printed audit.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::setup::{self, Level};
use crate::{shell, workspace};

/// Sets up, builds, and audits the workload that copytax carries.
pub(crate) fn run() -> Result<ExitCode> {
    shell::require_root("`cargo xtask demo` loads eBPF programs and")?;
    setup::ensure(&[Level::Build])?;
    shell::run(&mut shell::cargo(&[
        "build",
        "--release",
        "--package=copytax",
    ]))?;
    let root = workspace::root();
    let copytax = workspace::target_dir()?.join("release/copytax");
    let copytax = copytax.strip_prefix(&root).unwrap_or(&copytax);
    let mut audit = Command::new(copytax);
    audit.args(["audit", "--"]).arg(copytax).arg("workload");
    // Relative paths on the printed line, so the directory has to be the one they start from.
    std::env::set_current_dir(&root).with_context(|| format!("cannot enter {}", root.display()))?;
    Ok(shell::exit_code(shell::status(&mut audit)?))
}
