//! What is no recording is refused in one line; `recording::tests` has the ways.

use std::fs;

use anyhow::{Context, Result};

use crate::tool::{run, said};

#[test]
fn other_files_are_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("x\u{1b}[31m.ctx");
    fs::write(&file, "no recording")?;
    let path = file.to_str().context("text")?;
    for arguments in [
        &["report", path][..],
        &["report", path, "--format", "csv"],
        &["flamegraph", path, "-o", "-", "--format", "folded"],
    ] {
        let output = run(arguments)?;
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty());
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(
            said.contains("is not a recording of copytax") && !said.contains('\u{1b}'),
            "{said}"
        );
    }
    Ok(())
}

#[test]
fn ranges_are_checked() -> Result<()> {
    let output = run(["report", "none", "--from", "2m", "--to", "1m"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--from must be before --to"));
    let output = run(["flamegraph", "none", "-p", "1", "-o", "x.svg"])?;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("cannot be used with"),
        "{}",
        said(&output)
    );
    Ok(())
}
