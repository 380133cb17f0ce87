//! cp of the coreutils.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::support::audit::ENGINES;
use crate::support::mounted::Mounted;
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
        let cp = report.named("cp")?;
        assert_eq!(ways::of(cp), sent);
        report.says(cp.pid, "K4")?;
    }
    Ok(())
}

/// `copy_file_range` between two kinds of file systems: EXDEV, since Linux 5.19.
#[test]
fn between_file_systems_is_refused() -> Result<()> {
    for engine in ENGINES {
        let (Some(ext4), Some(tmpfs)) = (
            mounted(|| Mounted::image("ext4"))?,
            mounted(Mounted::tmpfs)?,
        ) else {
            return Ok(());
        };
        let report = copied_between(engine, &[], &ext4.path(), &tmpfs.path())?;
        let cp = report.named("cp")?;
        let bounced = expected([("bounced read_write file -> file, same_buffer", SIZE)]);
        assert_eq!(ways::of(cp), bounced);
        report.says(cp.pid, "F1")?;
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
    copied_between(engine, options, folder, folder)
}

/// Copies a file from one folder to another.
fn copied_between(engine: &str, options: &[&str], from: &Path, to: &Path) -> Result<Report> {
    let (from, to) = (from.join("from"), to.join("to"));
    write_pattern(File::create(&from)?, SIZE, 23)?;
    let mut command = Command::new(prerequisites::program("cp")?);
    let report = watched::run(engine, command.args(options).arg(&from).arg(&to))?;
    assert!(fs::read(from)? == fs::read(to)?, "the copy differs");
    Ok(report)
}
