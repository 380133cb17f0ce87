//! Certificates for servers of TLS.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

/// Makes `certificate` and `key` in a folder.
pub(crate) fn make(openssl: &Path, folder: &Path) -> Result<()> {
    let made = Command::new(openssl)
        .args(["req", "-x509", "-nodes", "-subj", "/CN=localhost"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-keyout", "key", "-out", "certificate"])
        .current_dir(folder)
        .output()?;
    let said = String::from_utf8_lossy(&made.stderr);
    ensure!(
        made.status.success(),
        "openssl makes no certificate: {said}"
    );
    Ok(())
}
