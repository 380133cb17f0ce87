//! Chromium, driven by playwright-core.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::support::prerequisites;

/// What it takes to open a page.
pub(crate) struct Browser {
    node: PathBuf,
    chromium: PathBuf,
    modules: PathBuf,
}

/// What was seen of a page. Widths are in percent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    pub(crate) said: Vec<String>,
    pub(crate) requests: Vec<String>,
    pub(crate) milliseconds: f64,
    pub(crate) text: String,
    pub(crate) parts: Vec<String>,
    pub(crate) violations: Vec<serde_json::Value>,
    pub(crate) dark_violations: Vec<serde_json::Value>,
    pub(crate) phone_violations: Vec<serde_json::Value>,
    pub(crate) phone_width: u32,
    pub(crate) findings: Option<Vec<bool>>,
    pub(crate) flame: Option<Flame>,
    pub(crate) table: Option<Table>,
}

/// One box of a flame graph, as it was used.
#[derive(Debug, Deserialize)]
pub(crate) struct Flame {
    pub(crate) focused: String,
    pub(crate) detail: String,
    pub(crate) before: f64,
    pub(crate) zoomed: f64,
    pub(crate) after: f64,
    pub(crate) clicked: f64,
    pub(crate) reset: f64,
    pub(crate) found: u32,
    pub(crate) matched: String,
}

/// The pids of the table of processes, sorted both ways, and how many rows a filter left.
#[derive(Debug, Deserialize)]
pub(crate) struct Table {
    pub(crate) falling: Vec<u32>,
    pub(crate) rising: Vec<u32>,
    pub(crate) shown: usize,
}

impl Browser {
    /// Looks for it.
    pub(crate) fn find() -> Result<Self> {
        Ok(Self {
            node: prerequisites::program("node")?,
            chromium: prerequisites::program("chromium")?,
            modules: prerequisites::testbed("browser")?,
        })
    }

    /// Opens a page and uses it; pictures of it stay in the folder of the tests.
    pub(crate) fn open(&self, page: &Path) -> Result<Seen> {
        let name = page.file_stem().context("a name")?;
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("page")
            .join(name);
        std::fs::create_dir_all(&pictures)?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page/browse.mjs");
        let output = Command::new(&self.node)
            .arg(script)
            .args([&self.modules, &self.chromium])
            .args([page, &pictures])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).context("what the browser saw")
    }
}
