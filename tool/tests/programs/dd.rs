//! dd of the coreutils: reads and writes by definition.

use std::fs::{self, File};
use std::process::Command;

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::support::audit::ENGINES;
use crate::support::prerequisites;
use crate::watched;
use crate::ways::{self, expected};

/// Odd, so that the last block is short.
const SIZE: u64 = 10_000_019;

#[test]
fn blocks_bounce() -> Result<()> {
    copies_bounce(&["bs=64k"])
}

#[test]
fn odd_blocks_bounce() -> Result<()> {
    copies_bounce(&["bs=100003"])
}

#[test]
fn direct_io_bounces() -> Result<()> {
    copies_bounce(&["bs=1M", "iflag=direct", "oflag=direct"])
}

fn copies_bounce(options: &[&str]) -> Result<()> {
    for engine in ENGINES {
        let there = watched::prerequisites().and_then(|()| prerequisites::program("dd"));
        let Some(dd) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let folder = TempDir::new()?;
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        write_pattern(File::create(&from)?, SIZE, 23)?;
        let mut command = Command::new(dd);
        command.arg(format!("if={}", from.display()));
        command.arg(format!("of={}", to.display()));
        let report = watched::run(engine, command.arg("status=none").args(options))?;

        assert!(fs::read(from)? == fs::read(to)?, "the copy differs");
        let bounced = expected([("bounced read_write file -> file, same_buffer", SIZE)]);
        assert_eq!(ways::of(report.named("dd")?), bounced);
    }
    Ok(())
}
