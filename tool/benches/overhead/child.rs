//! The process whose calls are measured: this program once more, pinned to one CPU.
//!
//! It reads a line `<workload> <calls>` and answers with a line `<best> <median>`, in nanoseconds
//! per call over batches so short that most of them run undisturbed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workload::{Bench, Workload};

/// Nanoseconds per call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Of the fastest batch.
    pub(crate) best: f64,
    /// Of the batch in the middle.
    pub(crate) median: f64,
}

/// The child, seen from its parent.
pub(crate) struct Measured {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Measured {
    /// Starts it.
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the process to measure")?;
        let from = child.stdout.take().context("stdout is piped")?;
        Ok(Self {
            to: child.stdin.take(),
            from: BufReader::new(from),
            child,
        })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it make `calls` calls of a workload.
    pub(crate) fn run(&mut self, workload: Workload, calls: u32) -> Result<Timing> {
        let to = self.to.as_mut().context("stdin is open until the end")?;
        writeln!(to, "{} {calls}", workload.name())?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        let mut words = line.split_whitespace().map(str::parse);
        match (words.next(), words.next()) {
            (Some(Ok(best)), Some(Ok(median))) => Ok(Timing { best, median }),
            _ => bail!("the measured process answered {line:?}"),
        }
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // The end of its input is the child's end.
        self.to = None;
        let _ = self.child.wait();
    }
}

/// What the child does.
pub(crate) fn run() -> Result<()> {
    let mut bench = Bench::new()?;
    let mut output = File::from(rustix::io::dup(rustix::stdio::stdout())?);
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (name, calls) = line.split_once(' ').context("a workload and a number")?;
        let workload = Workload::of_name(name).with_context(|| format!("no workload {name}"))?;
        let timing = bench.measure(workload, calls.parse()?)?;
        // One write for a line.
        output.write_all(format!("{} {}\n", timing.best, timing.median).as_bytes())?;
    }
    Ok(())
}
