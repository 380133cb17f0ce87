//! Programs that these tests build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::support::prerequisites;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runtimes/programs");

/// A program, in a folder of its own.
pub(crate) struct Built {
    folder: TempDir,
}

impl Built {
    /// Builds a source file.
    pub(crate) fn with(compiler: &str, source: &str, options: &[&str]) -> Result<Self> {
        let built = Self {
            folder: TempDir::new()?,
        };
        let mut command = Command::new(prerequisites::program(compiler)?);
        command.arg("-o").arg(built.program());
        built.run(command.arg(format!("{SOURCES}/{source}")).args(options))?;
        Ok(built)
    }

    /// Builds the one of Go.
    pub(crate) fn with_go(version: &str, options: &[&str]) -> Result<Self> {
        let built = Self {
            folder: TempDir::new()?,
        };
        let mut command = Command::new(prerequisites::go(version)?);
        command
            .args(["build", "-o"])
            .arg(built.program())
            .args(options)
            .arg(".")
            .current_dir(format!("{SOURCES}/go"));
        prerequisites::alone_with_go(&mut command, version);
        built.run(&mut command)?;
        Ok(built)
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?} failed: {said}");
        Ok(())
    }

    /// The program.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Removes the table of sections, which nothing needs to run.
    pub(crate) fn without_sections(self) -> Result<Self> {
        let mut bytes = fs::read(self.program())?;
        // e_shoff, then e_shnum and e_shstrndx of `Elf64_Ehdr`.
        bytes[40..48].fill(0);
        bytes[60..64].fill(0);
        fs::write(self.program(), bytes)?;
        Ok(self)
    }
}
