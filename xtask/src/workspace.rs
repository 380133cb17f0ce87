//! Where things are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable at run time too, which survives a moved checkout.
    let manifest =
        env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest)
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo's target directory, wherever the configuration puts it: this program lies in its
/// `debug/`.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let exe = env::current_exe().context("where this program lies")?;
    exe.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .with_context(|| format!("{} is in no target directory", exe.display()))
}

/// Where setup puts what only tests use.
pub(crate) fn testbed_dir() -> Result<PathBuf> {
    Ok(target_dir()?.join("testbed"))
}
