//! Packages of Python, below the testbed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use crate::shell;

/// Time to fetch some 70 MB.
const LIMIT: Duration = Duration::from_secs(300);

/// Installs packages into a folder of their own, in place of what may be there.
pub(super) fn install(apt: &mut Apt, directory: &Path, packages: &[&str]) -> Result<()> {
    if shell::output("python3", &["-m", "pip", "--version"]).is_none() {
        apt.install(&["python3-pip"])?;
    }
    let mut partial = directory.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    for old in [directory, partial] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    shell::run_bounded(
        Command::new("python3")
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--only-binary=:all:", "--root-user-action=ignore"])
            .args(["--disable-pip-version-check", "--target"])
            .arg(partial)
            .args(packages),
        LIMIT,
    )?;
    fs::rename(partial, directory)
        .with_context(|| format!("cannot move {} in place", partial.display()))
}
