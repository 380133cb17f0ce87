//! An hour of 500 processes that all read, write and send in each second: how large its recording is, and
//! how long `report` and `diff` take. `cargo bench -p copytax --bench recording`

#[path = "../../tests/support/hour.rs"]
mod hour;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};

fn main() -> Result<()> {
    // What else cargo bench says is for harnesses that have filters.
    let folder = tempfile::tempdir()?;
    let (base, new) = (
        folder.path().join("base.ctx"),
        folder.path().join("new.ctx"),
    );
    for (file, seed) in [(&base, 1), (&new, 2)] {
        let begin = Instant::now();
        hour::record(file, seed, 1)?;
        let size = std::fs::metadata(file)?.len();
        println!("recorded: {size} bytes, in {:?}", begin.elapsed());
    }
    time("report", &[Path::new("report"), &base])?;
    let page = [Path::new("report"), &base, Path::new("--format=html")];
    time("report --format html", &page)?;
    time("diff", &[Path::new("diff"), &base, &new])
}

fn time(name: &str, arguments: &[&Path]) -> Result<()> {
    let begin = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    let status = command.args(arguments).stdout(Stdio::null()).status()?;
    println!("{name}: {:?}", begin.elapsed());
    ensure!(status.success(), "{name}: {status}");
    Ok(())
}
