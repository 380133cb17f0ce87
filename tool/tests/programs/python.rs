//! Python's standard library, as it copies files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::Command;

use anyhow::{Context, Result};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::support::audit::ENGINES;
use crate::support::prerequisites;
use crate::watched;
use crate::ways::{self, expected};

/// Where the Python programs of these tests are.
pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/python");

/// Odd, so that the last piece is short.
const SIZE: u64 = 10_000_019;

#[test]
fn copyfile_is_sent_by_the_kernel() -> Result<()> {
    let copyfile = "shutil.copyfile(sys.argv[1], sys.argv[2])";
    copied(copyfile, "zero_copy sendfile file -> file")
}

/// What `shutil.copyfile` was before Python 3.8, and what it is for file objects to this day.
#[test]
fn copyfileobj_bounces() -> Result<()> {
    let copyfileobj = "with open(sys.argv[1], 'rb') as f, open(sys.argv[2], 'wb') as t: \
                       shutil.copyfileobj(f, t)";
    copied(copyfileobj, "bounced read_write file -> file, same_buffer")
}

fn copied(statement: &str, way: &str) -> Result<()> {
    for engine in ENGINES {
        let there = watched::prerequisites().and_then(|()| prerequisites::python());
        let Some(python) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let folder = TempDir::new()?;
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        write_pattern(File::create(&from)?, SIZE, 23)?;
        let name = python.file_name().and_then(OsStr::to_str);
        let name = name.context("the interpreter has a name")?;
        let mut command = Command::new(&python);
        command.args([
            "-I",
            "-S",
            "-B",
            "-c",
            &format!("import shutil, sys\n{statement}"),
        ]);
        let report = watched::run(engine, command.arg(&from).arg(&to))?;
        assert!(fs::read(from)? == fs::read(to)?, "the copy differs");
        assert_eq!(ways::of(report.named(name)?), expected([(way, SIZE)]));
    }
    Ok(())
}
