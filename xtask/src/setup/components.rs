//! rustfmt and clippy, for both halves.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::apt::Apt;
use super::toolchain::{self, NAME};
use super::{State, Step};
use crate::shell;

/// Debian's clippy, for its own compiler.
const DEBIAN_CLIPPY: &str = "rust-web-clippy";

/// rustfmt and clippy of the compiler that builds the userspace half.
#[derive(Debug)]
pub(super) struct Userspace;

impl Userspace {
    fn missing() -> Vec<&'static str> {
        [("rustfmt", "fmt"), ("clippy", "clippy")]
            .into_iter()
            .filter(|(_, command)| shell::output("cargo", &[command, "--version"]).is_none())
            .map(|(component, _)| component)
            .collect()
    }
}

impl Step for Userspace {
    fn name(&self) -> String {
        "rustfmt and clippy".to_owned()
    }

    fn probe(&self) -> State {
        let missing = Self::missing();
        if missing.is_empty() {
            State::Have("of the active toolchain".to_owned())
        } else {
            State::Missing(missing.join(", "))
        }
    }

    fn provide(&self, _apt: &mut Apt) -> Result<()> {
        shell::run_bounded(
            Command::new("rustup")
                .args(["component", "add"])
                .args(Self::missing()),
            Duration::from_secs(120),
        )
    }
}

/// clippy of the compiler that builds the kernel half.
#[derive(Debug)]
pub(super) struct KernelHalf;

impl Step for KernelHalf {
    fn name(&self) -> String {
        "clippy for the kernel half".to_owned()
    }

    fn probe(&self) -> State {
        match shell::output("rustup", &["run", NAME, "cargo", "clippy", "--version"]) {
            Some(version) => State::Have(version.trim().to_owned()),
            None => State::Missing(format!("the toolchain {NAME} has none")),
        }
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        match toolchain::linked_name()? {
            Some(name) => toolchain::add_component(&name, "clippy"),
            None => apt.install(&[DEBIAN_CLIPPY]),
        }
    }

    fn optional(&self) -> Option<&'static str> {
        Some("the kernel half is not linted")
    }
}
