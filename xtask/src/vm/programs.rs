//! The programs that run in the machine.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::shell::{self, say};

/// Where cargo built them.
#[derive(Debug)]
pub(super) struct Programs {
    /// Process 1, which is also a test program.
    pub(super) init: PathBuf,
    /// The truth harness.
    pub(super) truth: PathBuf,
    /// The tests of what the kernel shares and what it copies.
    pub(super) sharing: PathBuf,
    pub(super) copytax: PathBuf,
}

impl Programs {
    /// Builds them, as `cargo xtask test` does.
    pub(super) fn build() -> Result<Self> {
        let mut build =
            shell::cargo(&["test", "--release", "--workspace", "--exclude=copytax-ebpf"]);
        build.args(["--test=vm", "--test=truth", "--test=sharing", "--no-run"]);
        build.arg("--message-format=json-render-diagnostics");
        say!("$ {}", shell::line(&build));
        let output = build.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            bail!("the tests do not build ({})", output.status);
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let find = |kind, name| {
            executable(&messages, kind, name)
                .with_context(|| format!("cargo built no {kind} {name}"))
        };
        Ok(Self {
            init: find("test", "vm")?,
            truth: find("test", "truth")?,
            sharing: find("test", "sharing")?,
            copytax: find("bin", "copytax")?,
        })
    }
}

/// The executable of a target, from the messages of cargo, of which each is a line.
fn executable(messages: &str, kind: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name && message["target"]["kind"][0] == kind)
        .find_map(|message| Some(message["executable"].as_str()?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_found_by_kind_and_name() {
        let messages = r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"a"},"executable":null}
{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"a"},"executable":"/t/a"}
{"reason":"build-finished","success":true}
no json"#;
        assert_eq!(executable(messages, "bin", "a"), Some("/t/a".into()));
        assert_eq!(executable(messages, "lib", "a"), None);
        assert_eq!(executable(messages, "test", "a"), None);
    }
}
