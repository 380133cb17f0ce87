//! One form of a program, and what the audit must say of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::report::{Process, Report};

/// Of a hundred bytes, those that may move in another way: headers, a first sniff, a last piece.
const TOLERANCE: u64 = 2;

/// A program at work.
pub(crate) struct Form {
    /// What it is called where it is not as expected.
    pub(crate) name: String,
    /// The process that moves the bytes; its children belong to it.
    pub(crate) pid: u32,
    /// Makes it move them, once.
    pub(crate) load: Box<dyn Fn() -> Result<()>>,
    pub(crate) expected: Expected,
    /// It ends with this.
    pub(crate) _program: Program,
}

/// What the audit must say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// Name of the runtime, and what its version begins with.
    pub(crate) runtime: (&'static str, &'static str),
    /// How the bytes move: `class mechanism source -> sink`.
    pub(crate) way: &'static str,
    pub(crate) bytes: Bytes,
}

/// How many bytes move in that way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bytes {
    /// These, and they are lost.
    Lost(u64),
    /// These, and none are lost.
    Kept(u64),
    /// At least these, and none are lost: how far a text can be compressed is not known before.
    AtLeast(u64),
}

/// Watches all forms at once, makes each work, and compares.
pub(crate) fn watch(forms: &[Form]) -> Result<Report> {
    let pids: Vec<_> = forms.iter().map(|form| form.pid).collect();
    let audit = Audit::of_processes(&pids)?;
    for form in forms {
        (form.load)().with_context(|| format!("{} cannot be loaded", form.name))?;
    }
    let report = audit.interrupt()?;
    report.every_call_counted()?;
    let mut wrong = Vec::new();
    for form in forms {
        if let Err(error) = form.check(&report) {
            wrong.push(format!("{}: {error:#}", form.name));
        }
    }
    ensure!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
    Ok(report)
}

impl Form {
    fn check(&self, report: &Report) -> Result<()> {
        let process = report.process(self.pid)?;
        let (name, version) = self.expected.runtime;
        let runtime = process.runtime.as_ref().context("no runtime")?;
        let is_it = runtime.name == name
            && runtime
                .version
                .as_deref()
                .unwrap_or_default()
                .starts_with(version);
        ensure!(is_it, "runtime is {runtime:?}, not {name} {version}");
        let ways = ways(process);
        let moved = ways.get(self.expected.way).copied().unwrap_or(0);
        let lost = process.bytes.lost;
        match self.expected.bytes {
            Bytes::Lost(bytes) if is_about(moved, bytes) && is_about(lost, bytes) => Ok(()),
            Bytes::Kept(bytes) if is_about(moved, bytes) && is_little(lost, bytes) => Ok(()),
            Bytes::AtLeast(bytes) if moved >= bytes && is_little(lost, bytes) => Ok(()),
            expected => bail!(
                "{expected:?} by {:?}, but {lost} lost of {ways:?}",
                self.expected.way
            ),
        }
    }
}

/// Bytes by way, as in [`Expected::way`].
fn ways(process: &Process) -> BTreeMap<String, u64> {
    let mut ways = BTreeMap::new();
    for flow in process.flows.iter().filter(|flow| flow.bytes > 0) {
        let source = flow.source.as_deref().unwrap_or("none");
        let sink = flow.sink.as_deref().unwrap_or("none");
        let way = format!("{} {} {source} -> {sink}", flow.class, flow.mechanism);
        *ways.entry(way).or_default() += flow.bytes;
    }
    ways
}

fn is_about(bytes: u64, expected: u64) -> bool {
    is_little(bytes.abs_diff(expected), expected)
}

fn is_little(bytes: u64, of: u64) -> bool {
    bytes <= of / 100 * TOLERANCE
}
