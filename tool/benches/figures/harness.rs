//! What the lab prints: ways to serve one file over loopback, and what rules of thumb are about.

use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;

const WAYS: &str = "lab --transport tcp --size 1m --size 16m --only read+write-64k --only sendfile --only mmap+write \
                    --only splice --only splice-1m --only vmsplice --only zerocopy";

/// Proxies, and to say that more comes.
const RULES: &str = "lab --transport tcp --size 1m --only proxy-read+write --only proxy-splice --only proxy-splice-1m \
                     --only read+write-4k --only read+more-4k --only splice --only splice-more --only tls-rustls \
                     --only tls-sendfile";

/// From which size on what pays.
const BREAK_EVENS: &str = "lab --calibrate";

/// Ways to serve one file.
pub(crate) fn ways() -> Result<String> {
    printed(WAYS)
}

/// What rules of thumb are about.
pub(crate) fn rules() -> Result<String> {
    let break_evens = printed(BREAK_EVENS)?;
    let is_kept_somewhere = |line: &&str| !line.starts_with("kept in ");
    let lines: Vec<_> = break_evens.lines().filter(is_kept_somewhere).collect();
    Ok(format!("{}\n\n{}", lines.join("\n"), printed(RULES)?))
}

/// A command and its output, as Markdown.
fn printed(arguments: &str) -> Result<String> {
    let state = TempDir::new()?;
    let output = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .args(arguments.split(' '))
        .env("COLUMNS", "80")
        .env("XDG_STATE_HOME", state.path())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the lab failed: {said}");
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(format!(
        "```\n$ copytax {arguments}\n{}\n```\n",
        text.trim_end()
    ))
}
