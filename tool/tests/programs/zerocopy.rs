//! `MSG_ZEROCOPY` over loopback, where the kernel copies after all and says so.

use std::fs::File;
use std::process::Command;

use anyhow::{Context, Result};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::python::SCRIPTS;
use crate::support::audit::ENGINES;
use crate::support::{http, prerequisites};
use crate::watched::{self, Watched};
use crate::ways;

/// Odd, so that the last piece is short.
const SIZE: u64 = 10_000_019;

#[test]
fn loopback_copies() -> Result<()> {
    for engine in ENGINES {
        let there = watched::prerequisites().and_then(|()| prerequisites::python());
        let Some(python) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let folder = TempDir::new()?;
        let file = folder.path().join("file");
        write_pattern(File::create(&file)?, SIZE, 23)?;
        let mut command = Command::new(&python);
        command.arg(format!("{SCRIPTS}/msg_zerocopy.py")).arg(file);
        let mut watched = Watched::start(engine, &command)?;
        let port = watched.printed(|line| line.parse().ok())?;
        assert_eq!(http::drain(port)?, SIZE);
        // The completions are the witness: all of them said "copied".
        let not_copied = watched.printed(|line| Some(line.split_once(' ')?.1.to_owned()))?;
        assert_eq!(not_copied, "0");
        let report = watched.finish()?;

        let name = python.file_name().context("the interpreter has a name")?;
        let python = report.named(&name.to_string_lossy())?;
        assert_eq!(python.bytes_to("tcp", Some("msg_zerocopy")), SIZE);
        let mut lent = python
            .flows
            .iter()
            .filter(|flow| flow.mechanism == "msg_zerocopy");
        assert!(
            lent.all(|flow| flow.sharing.as_deref() == Some("copied")),
            "{python:#?}"
        );
        report.says(python.pid, "K6")?;
        assert_eq!(ways::to("tcp", python).values().sum::<u64>(), SIZE);
    }
    Ok(())
}
