//! Programs of Go.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::prerequisites;

/// Compiles the program in the folder `sources` by a release of Go, and keeps it as `name`.
pub(crate) fn build(go: &Path, version: &str, sources: &Path, name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("go-{version}"));
    let program = folder.join(name);
    let mut command = Command::new(go);
    command
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(sources);
    prerequisites::alone_with_go(&mut command, version);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "go {version} cannot build: {said}");
    Ok(program)
}
