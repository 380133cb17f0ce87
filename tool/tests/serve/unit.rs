//! The unit of systemd: that it is sound, and that what it allows is enough.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::patience::until;
use crate::support::prerequisites;
use crate::support::report::Report;
use crate::traffic::{MOVED, Traffic};

const UNIT: &str = include_str!("../../../deploy/systemd/copytax.service");

/// Names of capabilities that the unit gives.
pub(crate) fn granted() -> Result<Vec<&'static str>> {
    let mut lines = UNIT.lines();
    let names = lines.find_map(|line| line.strip_prefix("AmbientCapabilities="));
    Ok(names
        .context("the unit has capabilities")?
        .split(' ')
        .collect())
}

#[test]
fn it_is_sound_and_exposes_little() -> Result<()> {
    let there = prerequisites::program("systemd-analyze");
    let Some(analyze) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let folder = TempDir::new()?;
    let unit = folder.path().join("copytax.service");
    // Whether it is installed is not what is looked at.
    fs::write(
        &unit,
        UNIT.replace("/usr/local/bin/copytax", env!("CARGO_BIN_EXE_copytax")),
    )?;
    for arguments in [
        &["verify"][..],
        // An exposure of 3.0.
        &["security", "--offline=true", "--threshold=30", "--no-pager"],
    ] {
        let output = Command::new(&analyze).args(arguments).arg(&unit).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let cried = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}{cried}");
    }
    Ok(())
}

/// Somebody else with the capabilities of the unit gets what root gets.
#[test]
fn its_capabilities_are_enough() -> Result<()> {
    let Some(setpriv) = prerequisites::or_skip(prerequisites::program("setpriv"))? else {
        return Ok(());
    };
    let Some(traffic) = Traffic::start()? else {
        return Ok(());
    };
    let [fast, slow] = traffic.pids();
    let folder = TempDir::new()?;
    let tool = for_all(folder.path())?;
    let mut command = Command::new(setpriv);
    let capabilities = format!("-all,{}", capabilities()?);
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    for set in ["--bounding-set", "--inh-caps", "--ambient-caps"] {
        command.arg(set).arg(&capabilities);
    }
    command.arg(&tool);
    let somebody = Audit::start(command, folder.path().join("somebody"), [fast, slow])?;
    let root = Audit::start(
        Command::new(&tool),
        folder.path().join("root"),
        [fast, slow],
    )?;
    traffic.flow()?;
    let (somebody, root) = (somebody.report()?, root.report()?);
    for report in [&somebody, &root] {
        assert_eq!(report.process(fast)?.bytes.zero_copy, MOVED);
        assert_eq!(report.process(slow)?.bytes.lost, MOVED);
    }
    assert_eq!(told(&somebody), told(&root));
    Ok(())
}

/// A copy of the tool that everybody may run.
fn for_all(folder: &Path) -> Result<PathBuf> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    let copy = folder.join("copytax");
    fs::copy(env!("CARGO_BIN_EXE_copytax"), &copy)?;
    Ok(copy)
}

/// `AmbientCapabilities` of the unit, as setpriv(1) writes them.
fn capabilities() -> Result<String> {
    let names = granted()?.into_iter().map(|name| {
        let name = name.strip_prefix("CAP_").context("a capability")?;
        Ok(format!("+{}", name.to_lowercase()))
    });
    Ok(names.collect::<Result<Vec<_>>>()?.join(","))
}

/// What a report says besides numbers: runtimes, and of findings the rule, the function and its file.
pub(crate) fn told(report: &Report) -> BTreeMap<u32, Vec<String>> {
    let mut told = BTreeMap::<u32, Vec<String>>::new();
    for process in &report.processes {
        let said = told.entry(process.pid).or_default();
        said.push(format!("{:?}", process.runtime));
    }
    for finding in &report.findings {
        let said = told.entry(finding.pid).or_default();
        let culprit = finding.culprit.as_ref();
        let function = culprit.and_then(|culprit| culprit.function.as_ref());
        let file = culprit.and_then(|culprit| culprit.file.as_ref());
        said.push(format!(
            "{:?} {} {function:?} {file:?}",
            finding.rule, finding.verdict
        ));
    }
    told
}

/// An audit by whoever runs the command; its report goes to a file.
struct Audit {
    tool: Child,
    report: PathBuf,
}

impl Audit {
    fn start(mut command: Command, report: PathBuf, pids: [u32; 2]) -> Result<Self> {
        command.args(["audit", "--json", "-v", "-d", "1000s", "--samples=20000"]);
        command.args(pids.map(|pid| format!("--pid={pid}")));
        let log = report.with_extension("log");
        let tool = command
            .stdin(Stdio::null())
            .stdout(fs::File::create(&report)?)
            .stderr(fs::File::create(&log)?)
            .spawn()?;
        let mut audit = Self { tool, report };
        until("an audit to attach", || {
            let said = fs::read_to_string(&log)?;
            ensure!(audit.tool.try_wait()?.is_none(), "it has ended: {said}");
            Ok(said.contains("attached").then_some(()))
        })?;
        Ok(audit)
    }

    fn report(mut self) -> Result<Report> {
        kill_process(Pid::from_child(&self.tool), Signal::INT)?;
        let status = until("the end of an audit", || Ok(self.tool.try_wait()?))?;
        ensure!(status.success(), "{status}");
        Ok(serde_json::from_slice(&fs::read(&self.report)?)?)
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // Both fail only where it has ended.
        let _ = self.tool.kill();
        let _ = self.tool.wait();
    }
}
