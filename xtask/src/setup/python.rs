//! Packages for the Python programs of the tests, a database that they query, and the schemas of Kubernetes.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use super::{State, Step, pip};
use crate::{shell, workspace};

/// What the programs import, and the packages with it.
const IMPORTS: &str = "import aiohttp, duckdb, gunicorn, uvloop, kubernetes_validate";
const PACKAGES: &[&str] = &[
    "aiohttp==3.14.5",
    "duckdb==2.0.1",
    "gunicorn==27.0.1",
    "uvloop==0.23.0",
    "kubernetes-validate==1.37.0",
];

/// The step that provides them, below the testbed.
#[derive(Debug)]
pub(super) struct PythonPackages;

impl PythonPackages {
    fn directory() -> Result<PathBuf> {
        Ok(workspace::testbed_dir()?.join("python"))
    }

    /// Whether the interpreter that tests use can import them: parts of them are compiled for one.
    fn found() -> Result<bool> {
        let directory = Self::directory()?;
        let path = directory.to_str().context("a path that is not UTF-8")?;
        let script = "import sys; sys.path.insert(0, sys.argv[1]); exec(sys.argv[2])";
        Ok(shell::output("python3", &["-c", script, path, IMPORTS]).is_some())
    }
}

impl Step for PythonPackages {
    fn name(&self) -> String {
        format!("{} for the tests", PACKAGES.join(", "))
    }

    fn probe(&self) -> State {
        State::of_testbed("python", Self::found())
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        pip::install(apt, &Self::directory()?, PACKAGES)
    }
}
