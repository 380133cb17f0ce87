//! Ways to serve one file over loopback, by the lab.

use std::process::Command;

use anyhow::{Result, ensure};

const ARGUMENTS: &str = "lab --transport tcp --size 1m --size 16m --only read+write-64k --only sendfile --only mmap+write \
                         --only splice --only splice-1m --only vmsplice --only zerocopy";

/// What the lab prints.
pub(crate) fn measure() -> Result<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .args(ARGUMENTS.split(' '))
        .env("COLUMNS", "80")
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the lab failed: {said}");
    let table = String::from_utf8_lossy(&output.stdout);
    Ok(format!(
        "```\n$ copytax {ARGUMENTS}\n{}\n```\n",
        table.trim_end()
    ))
}
