//! cp of the coreutils.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::mounted::Mounted;
use crate::support::audit::ENGINES;
use crate::support::prerequisites;
use crate::support::report::{Process, Report};
use crate::watched;
use crate::ways::{self, expected};

/// Odd, so that the last piece is short.
const SIZE: u64 = 10_000_019;

#[test]
fn without_reflink_bounces() -> Result<()> {
    for engine in ENGINES {
        let Some(folder) = folder()? else {
            return Ok(());
        };
        let report = copied(engine, &["--reflink=never"], folder.path())?;
        let bounced = expected([("bounced read_write file -> file, same_buffer", SIZE)]);
        assert_eq!(ways::of(report.named("cp")?), bounced);
    }
    Ok(())
}

#[test]
fn is_sent_by_the_kernel() -> Result<()> {
    for engine in ENGINES {
        // A memory file system: it knows no FICLONE, so that cp goes on to copy_file_range.
        let Some(tmpfs) = mounted(Mounted::tmpfs)? else {
            return Ok(());
        };
        let report = copied(engine, &[], &tmpfs.path())?;
        let sent = expected([("zero_copy copy_file_range file -> file", SIZE)]);
        assert_eq!(ways::of(report.named("cp")?), sent);
    }
    Ok(())
}

/// A reflink is an `ioctl` and moves no byte: there is nothing to account.
#[test]
fn reflink_moves_nothing() -> Result<()> {
    let Some(btrfs) = mounted(|| Mounted::image("btrfs"))? else {
        return Ok(());
    };
    for engine in ENGINES {
        let report = copied(engine, &["--reflink=always"], &btrfs.path())?;
        let cp: &Process = report.named("cp")?;
        assert_eq!(ways::of(cp), expected([]));
        assert!(cp.calls()["read"].calls > 0, "{cp:#?}");
    }
    Ok(())
}

fn folder() -> Result<Option<TempDir>> {
    let there = prerequisites::or_skip(watched::prerequisites())?;
    Ok(there.map(|()| TempDir::new()).transpose()?)
}

fn mounted(mount: impl FnOnce() -> Result<Mounted>) -> Result<Option<Mounted>> {
    prerequisites::or_skip(watched::prerequisites().and_then(|()| mount()))
}

/// Copies a file within a folder.
fn copied(engine: &str, options: &[&str], folder: &Path) -> Result<Report> {
    let (from, to) = (folder.join("from"), folder.join("to"));
    write_pattern(File::create(&from)?, SIZE, 23)?;
    let mut command = Command::new(prerequisites::program("cp")?);
    let report = watched::run(engine, command.args(options).arg(&from).arg(&to))?;
    assert!(fs::read(from)? == fs::read(to)?, "the copy differs");
    Ok(report)
}
