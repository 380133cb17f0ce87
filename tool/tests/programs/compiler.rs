//! The C programs of these tests.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::support::prerequisites;

/// A program that was built from one file.
pub(crate) struct Built {
    folder: TempDir,
}

impl Built {
    /// Builds one. Fails if what it needs is not installed, as it does where the program is wrong.
    pub(crate) fn from(source: &str, options: &[&str]) -> Result<Self> {
        let built = Self {
            folder: TempDir::new()?,
        };
        let compiler = Command::new(prerequisites::program("cc")?)
            .args(["-O1", "-Wall", "-Werror", "-o"])
            .arg(built.program())
            .arg(format!("{FOLDER}/{source}"))
            .args(options)
            .output()
            .context("cc does not run")?;
        let said = String::from_utf8_lossy(&compiler.stderr);
        ensure!(
            compiler.status.success(),
            "cc cannot build {source}; run `cargo xtask setup --tests`: {said}"
        );
        Ok(built)
    }

    /// The program.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/c");
