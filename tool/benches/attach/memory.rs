//! The memory of an audit of the whole machine.

use std::fs;
use std::io::{PipeWriter, pipe};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The largest resident size, in megabytes, that `copytax audit -a` reached while `count` idle
/// processes existed; `words` are further arguments.
pub(crate) fn peak_of_audit(count: usize, words: &[&str]) -> Result<f64> {
    let _idle = Idle::start(count)?;
    let mut audit = Command::new(env!("CARGO_BIN_EXE_copytax"))
        .args(["audit", "-a", "-d", "3s"])
        .args(words)
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start copytax")?;
    let status = format!("/proc/{}/status", audit.id());
    let mut peak = 0;
    let end = loop {
        if let Some(end) = audit.try_wait()? {
            break end;
        }
        if let Some(now) = high_water_mark(&status) {
            peak = peak.max(now);
        }
        // The mark only rises; it is gone with the process.
        thread::sleep(Duration::from_micros(500));
    };
    ensure!(end.success(), "copytax failed ({end})");
    ensure!(peak > 0, "copytax ended before its memory was seen");
    Ok(peak as f64 / 1024.0)
}

/// `VmHWM` in KiB.
fn high_water_mark(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Processes that wait for a pipe to be closed, so that they end with this one however it ends.
struct Idle {
    children: Vec<Child>,
    pipe: Option<PipeWriter>,
}

impl Idle {
    fn start(count: usize) -> Result<Self> {
        let (reader, writer) = pipe()?;
        let mut idle = Self {
            children: Vec::with_capacity(count),
            pipe: Some(writer),
        };
        for _ in 0..count {
            let child = Command::new("cat")
                .stdin(reader.try_clone()?)
                .stdout(Stdio::null())
                .spawn()
                .context("cannot start an idle process")?;
            idle.children.push(child);
        }
        Ok(idle)
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.pipe = None;
        for child in &mut self.children {
            let _ = child.wait();
        }
    }
}
