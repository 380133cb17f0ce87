//! A server that bounces, and the same one mended.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::content::SIZE;
use crate::form::Form;
use crate::statistics;
use crate::support::audit::Audit;
use crate::table::Row;

/// How long a turn takes at least.
const TURN: Duration = Duration::from_secs(1);

/// How long an audit watches at least, in each round: so long that its clock ticks often enough.
const WATCHED: Duration = Duration::from_secs(4);

/// Two forms of a server, both at work.
pub(crate) struct Pair {
    bouncing: Form,
    mended: Form,
}

impl Pair {
    /// Those of `forms` that have these names; the others end.
    pub(crate) fn of(
        forms: Option<Vec<Form>>,
        bouncing: &str,
        mended: &str,
    ) -> Result<Option<Self>> {
        let Some(mut forms) = forms else {
            return Ok(None);
        };
        let mut take = |name: &str| {
            let at = forms.iter().position(|form| form.name == name);
            at.map(|at| forms.swap_remove(at))
                .with_context(|| format!("no form {name}"))
        };
        Ok(Some(Self {
            bouncing: take(bouncing)?,
            mended: take(mended)?,
        }))
    }

    /// What audits say that is saved, and what both forms take in turn.
    pub(crate) fn compare(&self, name: &'static str, rounds: u32) -> Result<Row> {
        let state = calibrate()?;
        // Caches are warm, and threads are there.
        turn(&self.bouncing)?;
        turn(&self.mended)?;
        let (mut bouncing, mut mended, mut predictions) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            if round % 2 == 0 {
                bouncing.push(turn(&self.bouncing)?);
                mended.push(turn(&self.mended)?);
            } else {
                mended.push(turn(&self.mended)?);
                bouncing.push(turn(&self.bouncing)?);
            }
            predictions.push(self.predict(state.path())?);
        }
        let (predicted, margin) = mean(&predictions);
        let last = predictions.pop().context("no rounds")?;
        Ok(Row {
            name,
            bouncing: statistics::median(&bouncing),
            mended: statistics::median(&mended),
            predicted,
            margin,
            basis: last.basis,
        })
    }

    /// What an audit says while the bouncing form works.
    fn predict(&self, state: &Path) -> Result<Prediction> {
        let audit = Audit::calibrated(self.bouncing.pid, state)?;
        load(&self.bouncing, WATCHED)?;
        let report = audit.interrupt()?;
        let findings = report.findings.iter();
        let mut own = findings.filter(|found| found.pid == self.bouncing.pid);
        let finding = own.next().context("nothing was found")?;
        let saving = finding.saving.as_ref();
        let saving = saving.with_context(|| format!("no saving of {finding:#?}"))?;
        let seconds = report.window.duration_ns as f64 / 1e9;
        let each = seconds / (finding.bytes as f64 / 1e9);
        Ok(Prediction {
            saved: saving.cores * each,
            margin: saving.cores_margin * each,
            basis: saving.basis.clone(),
        })
    }
}

/// What an audit says that is saved.
struct Prediction {
    /// Seconds of CPU time for a gigabyte.
    saved: f64,
    /// Half the width of its interval.
    margin: f64,
    basis: String,
}

/// The mean of independent predictions, and half the width of its interval.
fn mean(predictions: &[Prediction]) -> (f64, f64) {
    let count = predictions.len() as f64;
    let saved: f64 = predictions.iter().map(|one| one.saved).sum();
    let squares: f64 = predictions.iter().map(|one| one.margin.powi(2)).sum();
    (saved / count, squares.sqrt() / count)
}

/// A folder for state with a calibration of this moment: how fast a shared machine is, changes.
fn calibrate() -> Result<TempDir> {
    let state = TempDir::new()?;
    let calibrated = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .args(["lab", "--calibrate"])
        .env("XDG_STATE_HOME", state.path())
        .stdout(Stdio::null())
        .status()?;
    ensure!(calibrated.success(), "no calibration: {calibrated}");
    Ok(state)
}

/// Seconds of CPU time for a gigabyte.
fn turn(form: &Form) -> Result<f64> {
    let before = cpu_time(form.pid)?;
    let loads = load(form, TURN)?;
    let seconds = cpu_time(form.pid)? - before;
    Ok(seconds / ((SIZE * loads) as f64 / 1e9))
}

/// Keeps a form at work for so long at least; gives back how often it was loaded.
fn load(form: &Form, time: Duration) -> Result<u64> {
    let (start, mut loads) = (Instant::now(), 0);
    while start.elapsed() < time {
        (form.load)()?;
        loads += 1;
    }
    Ok(loads)
}

/// What the threads of a process had of CPUs, in seconds (`/proc/PID/task/TID/schedstat`).
fn cpu_time(pid: u32) -> Result<f64> {
    let mut all = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            // It has ended.
            continue;
        };
        let time = text.split(' ').next().context("no time")?;
        all += time.parse::<u64>()?;
    }
    ensure!(all > 0, "{pid} never ran");
    Ok(all as f64 / 1e9)
}
