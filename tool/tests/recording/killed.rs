//! Recordings whose copytax is killed.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::support::patience::until;
use crate::support::prerequisites;
use crate::tool::{copytax, has_steps, run, said};

const ROUNDS: u64 = 20;

/// Whenever it happens, what is left is read up to the last step.
#[test]
fn a_killed_recording_has_all_its_steps() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("x.ctx");
    let path = file.to_str().context("text")?;
    let mut random = fastrand::Rng::with_seed(9);
    for round in 0..ROUNDS {
        for left in fs::read_dir(folder.path())? {
            fs::remove_file(left?.path())?;
        }
        let mut tool = copytax(["record", "-a", "--interval=100ms", "-o", path])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let has_begun = until("the first step", || {
            ensure!(tool.try_wait()?.is_none(), "it ended early");
            Ok(has_steps(&file).then_some(()))
        });
        // Somewhere in the steps that follow; what is tested is that the moment does not matter.
        thread::sleep(Duration::from_micros(random.u64(..250_000)));
        tool.kill()?;
        tool.wait()?;
        has_begun?;
        let output = run(["report", path, "--format=json"])?;
        ensure!(output.status.success(), "round {round}: {}", said(&output));
        ensure!(said(&output).contains("is incomplete"), "{}", said(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        ensure!(report["incomplete"] == true, "round {round}");
        // By now it needs no journal: the one file has it all.
        let alone = folder.path().join("alone.ctx");
        fs::copy(&file, &alone)?;
        let again = run([Path::new("report"), &alone, Path::new("--format=json")])?;
        ensure!(
            again.stdout == output.stdout,
            "round {round}: something is missing"
        );
    }
    Ok(())
}
