//! Packages of npm for the test of the page, below the testbed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use super::{State, Step};
use crate::{shell, workspace};

/// What drives a browser, and what looks for barriers in a page.
const PACKAGES: &[(&str, &str)] = &[("playwright-core", "1.65.1"), ("axe-core", "4.14.1")];

/// Time to fetch some 10 MB.
const LIMIT: Duration = Duration::from_secs(300);

/// The step that provides them.
#[derive(Debug)]
pub(super) struct BrowserPackages;

impl BrowserPackages {
    fn directory() -> Result<PathBuf> {
        Ok(workspace::testbed_dir()?.join("browser"))
    }

    fn is_there() -> Result<bool> {
        let modules = Self::directory()?.join("node_modules");
        Ok(PACKAGES.iter().all(|(name, version)| {
            let facts = fs::read_to_string(modules.join(name).join("package.json"));
            facts.is_ok_and(|facts| {
                let facts: Option<serde_json::Value> = serde_json::from_str(&facts).ok();
                facts.is_some_and(|facts| facts["version"] == *version)
            })
        }))
    }
}

impl Step for BrowserPackages {
    fn name(&self) -> String {
        let names: Vec<String> = PACKAGES
            .iter()
            .map(|(name, version)| format!("{name}@{version}"))
            .collect();
        format!("{} for the tests", names.join(", "))
    }

    fn probe(&self) -> State {
        State::of_testbed("browser", Self::is_there())
    }

    fn provide(&self, _apt: &mut Apt) -> Result<()> {
        let directory = Self::directory()?;
        fs::create_dir_all(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--ignore-scripts", "--no-audit"])
            .args(["--no-fund", "--silent", "--prefix"])
            .arg(&directory);
        for (name, version) in PACKAGES {
            npm.arg(format!("{name}@{version}"));
        }
        shell::run_bounded(&mut npm, LIMIT)
    }
}
