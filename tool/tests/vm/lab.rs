//! The lab's way to send by TLS of the kernel, which few kernels that the other tests run on have: what it
//! says that it called is what an audit of it counts.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::tool::{self, COPYTAX};

/// The argument that makes this program run the lab, which prints to that file.
const RUNNER: &str = "--lab=";

/// Neither a multiple of a page nor of a record.
const SIZE: &str = "1000003";

/// Runs, with the one that warms up.
const RUNS: u64 = 3;

/// Calls and bytes of `sendfile` agree.
pub(crate) fn check(engine: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("lab.json");
    let program = std::env::current_exe()?;
    let program = program.to_str().context("a path that is not UTF-8")?;
    let report = tool::report(engine, &[program, &format!("{RUNNER}{}", out.display())])?;
    let lab: Value = serde_json::from_reader(File::open(&out)?)?;
    let told = &lab["paths"][0]["accounting"];
    ensure!(told["runs"] == RUNS, "{lab:#}");
    let told = counts(&told["calls"]["sendfile"]).with_context(|| format!("{lab:#}"))?;
    let seen = sent_by_sendfile(&report).with_context(|| format!("{report:#}"))?;
    ensure!(told.1 > 0, "nothing was sent: {lab:#}");
    ensure!(
        told == seen,
        "the lab called {told:?}, and the audit saw {seen:?}"
    );
    Ok(())
}

/// Calls and bytes.
fn counts(of: &Value) -> Option<(u64, u64)> {
    of["calls"].as_u64().zip(of["bytes"].as_u64())
}

fn sent_by_sendfile(report: &Value) -> Option<(u64, u64)> {
    let flows = report["processes"].as_array()?.iter();
    let flows = flows.filter_map(|process| process["flows"].as_array());
    let flows = flows
        .flatten()
        .filter(|flow| flow["mechanism"] == "sendfile");
    flows.map(counts).try_fold((0, 0), |sum, one| {
        let one = one?;
        Some((sum.0 + one.0, sum.1 + one.1))
    })
}

/// The file to print to, if these arguments make this program run the lab.
pub(crate) fn as_runner(arguments: &[String]) -> Option<&str> {
    arguments.get(1)?.strip_prefix(RUNNER)
}

/// Runs the lab: what is audited prints among the audit's own lines otherwise.
pub(crate) fn runner(out: &str) -> ExitCode {
    let runs = (RUNS - 1).to_string();
    let status = File::create(out).and_then(|out| {
        let mut lab = Command::new(COPYTAX);
        lab.args(["lab", "--json", "--quick", "--runs", &runs, "--size", SIZE]);
        lab.args(["--only", "tls-sendfile"]).stdout(out).status()
    });
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        failed => {
            // Nobody else tells why.
            let _ = writeln!(std::io::stderr(), "lab: {failed:?}");
            ExitCode::FAILURE
        }
    }
}
