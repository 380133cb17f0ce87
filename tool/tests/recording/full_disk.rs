//! A disk that fills up.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::support::patience::until;
use crate::support::prerequisites;
use crate::tool::{copytax, has_steps, run, said};

/// A file system of this size, gone with the test.
struct Small(tempfile::TempDir);

impl Small {
    fn mount(size: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .status()?;
        ensure!(status.success(), "mount: {status}");
        Ok(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Where it fails the folder stays, which is seen.
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_ends_it_with_what_was_recorded() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let disk = Small::mount("2m")?;
    let file = disk.path().join("x.ctx");
    let path = file.to_str().context("text")?;
    let mut tool = copytax(["record", "-a", "--interval=100ms", "-d=1000s", "-o", path])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    until("the first step", || {
        ensure!(tool.try_wait()?.is_none(), "it ended early");
        Ok(has_steps(&file).then_some(()))
    })?;
    let filler = disk.path().join("filler");
    let mut rest = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&filler)?;
    until("the end of the disk, and of the tool", || {
        // Until nothing is left; what the tool gives back is taken at the next look.
        while rest.write_all(&[0; 4096]).is_ok() {}
        Ok(tool.try_wait()?)
    })?;
    let output = tool.wait_with_output()?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("is incomplete"), "{}", said(&output));
    fs::remove_file(&filler)?;
    let output = run(["report", path, "--format=json"])?;
    ensure!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("is incomplete"), "{}", said(&output));
    Ok(())
}

#[test]
fn a_disk_without_room_for_the_tables_is_told_at_once() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let disk = Small::mount("16k")?;
    let file = disk.path().join("x.ctx");
    let path = file.to_str().context("text")?;
    let output = run(["record", "-a", "-d=1000s", "-o", path])?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("full"), "{}", said(&output));
    assert_eq!(fs::read_dir(disk.path())?.count(), 0);
    Ok(())
}
