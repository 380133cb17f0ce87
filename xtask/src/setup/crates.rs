//! Crates that servers of the tests are built from.

use std::process::Command;

use anyhow::Result;

use super::apt::Apt;
use super::{State, Step};
use crate::{shell, workspace};

/// A server apart from the workspace.
const MANIFEST: &str = "tool/tests/gallery/rust/files/Cargo.toml";

/// The step that fetches them, so that the tests need no network.
#[derive(Debug)]
pub(super) struct Crates;

impl Crates {
    fn fetch() -> Command {
        let mut fetch = shell::cargo(&["fetch", "--locked", "--quiet", "--manifest-path"]);
        fetch.arg(workspace::root().join(MANIFEST));
        fetch
    }
}

impl Step for Crates {
    fn name(&self) -> String {
        "crates for the tests' server of axum".to_owned()
    }

    fn probe(&self) -> State {
        let fetched = Self::fetch().arg("--offline").output();
        if fetched.is_ok_and(|output| output.status.success()) {
            State::Have("in cargo's registry".to_owned())
        } else {
            State::Missing("not all of them are in cargo's registry".to_owned())
        }
    }

    fn provide(&self, _: &mut Apt) -> Result<()> {
        shell::run(&mut Self::fetch())
    }
}
