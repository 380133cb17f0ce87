//! A server that bounces, and the same one mended.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::content::SIZE;
use crate::form::Form;
use crate::statistics;
use crate::support::audit::Audit;
use crate::table::Row;

/// Loads of a turn.
const LOADS: u32 = 128;

/// Loads while the audit watches: so many that its clock ticks often enough.
const WATCHED: u32 = 512;

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

    /// What an audit says that is saved, and what both forms take in turn.
    pub(crate) fn compare(&self, name: &'static str, state: &Path, rounds: u32) -> Result<Row> {
        // Caches are warm, and threads are there.
        turn(&self.bouncing)?;
        turn(&self.mended)?;
        let (mut bouncing, mut mended) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            if round % 2 == 0 {
                bouncing.push(turn(&self.bouncing)?);
                mended.push(turn(&self.mended)?);
            } else {
                mended.push(turn(&self.mended)?);
                bouncing.push(turn(&self.bouncing)?);
            }
        }
        let (predicted, margin, basis) = self.predict(state)?;
        Ok(Row {
            name,
            bouncing: statistics::median(&bouncing),
            mended: statistics::median(&mended),
            predicted,
            margin,
            basis,
        })
    }

    /// Seconds of CPU time for a gigabyte that the audit says are saved, half the width of their interval,
    /// and by what.
    fn predict(&self, state: &Path) -> Result<(f64, f64, String)> {
        let audit = Audit::calibrated(self.bouncing.pid, state)?;
        for _ in 0..WATCHED {
            (self.bouncing.load)()?;
        }
        let report = audit.interrupt()?;
        let findings = report.findings.iter();
        let mut own = findings.filter(|found| found.pid == self.bouncing.pid);
        let finding = own.next().context("nothing was found")?;
        let saving = finding.saving.as_ref();
        let saving = saving.with_context(|| format!("no saving of {finding:#?}"))?;
        let seconds = report.window.duration_ns as f64 / 1e9;
        let each = seconds / (finding.bytes as f64 / 1e9);
        Ok((
            saving.cores * each,
            saving.cores_margin * each,
            saving.basis.clone(),
        ))
    }
}

/// Seconds of CPU time for a gigabyte.
fn turn(form: &Form) -> Result<f64> {
    let before = cpu_time(form.pid)?;
    for _ in 0..LOADS {
        (form.load)()?;
    }
    let seconds = cpu_time(form.pid)? - before;
    Ok(seconds / ((SIZE * u64::from(LOADS)) as f64 / 1e9))
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
