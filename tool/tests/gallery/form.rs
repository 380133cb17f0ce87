//! One form of a program, and what the audit must say of it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use copytax::analysis::catalog::Catalog;
use copytax::model::Verdict;

use crate::content::SIZE;
use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::report::{Finding, Frame, Process, Report};

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
    pub(crate) way: Way,
}

/// How the bytes move, as `class mechanism source -> sink`; how many do; and what is said of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way(pub(crate) &'static str, pub(crate) Bytes, pub(crate) Says);

/// What the findings are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Says {
    /// The dearest is of this rule, with its verdict, and none of another is fixable.
    Rule(&'static str),
    /// None: a rule says that it is healthy.
    Healthy(&'static str),
    /// A lost flow whose cause is not known; none is fixable.
    CauseUnknown,
    /// None worth a word.
    Nothing,
}

/// How many bytes move in that way.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bytes {
    /// These, and they are lost.
    Lost(u64),
    /// At least these, and they are lost: how many share a write with others is not known before.
    LostAtLeast(u64),
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
        self.check_bytes(process)?;
        let findings = report.findings.iter();
        let findings: Vec<_> = findings.filter(|found| found.pid == self.pid).collect();
        self.expected.way.2.check(&findings)
    }

    fn check_bytes(&self, process: &Process) -> Result<()> {
        let Way(way, bytes, _) = self.expected.way;
        let ways = ways(process);
        let moved = ways.get(way).copied().unwrap_or(0);
        let lost = process.bytes.lost;
        match bytes {
            Bytes::Lost(bytes) if is_about(moved, bytes) && is_about(lost, bytes) => Ok(()),
            Bytes::LostAtLeast(bytes) if moved >= bytes && lost >= bytes => Ok(()),
            Bytes::Kept(bytes) if is_about(moved, bytes) && is_little(lost, bytes) => Ok(()),
            Bytes::AtLeast(bytes) if moved >= bytes && is_little(lost, bytes) => Ok(()),
            expected => bail!("{expected:?} by {way:?}, but {lost} lost of {ways:?}"),
        }
    }
}

impl Says {
    fn check(self, findings: &[&Finding]) -> Result<()> {
        let is_as_said = match (self, findings.first()) {
            (Self::Rule(id), Some(first)) => {
                let rule = Catalog::builtin().get(id).context("no such rule")?;
                first.rule.as_deref() == Some(id) && first.verdict == rule.verdict.name()
            }
            (Self::Healthy(id), None) => {
                let rule = Catalog::builtin().get(id).context("no such rule")?;
                rule.verdict == Verdict::Healthy
            }
            (Self::CauseUnknown, Some(first)) => first.verdict == "unknown",
            (Self::Nothing, None) => true,
            (Self::Nothing, Some(first)) => is_little(first.bytes, SIZE),
            (Self::Healthy(_), Some(_)) | (_, None) => false,
        };
        let is_wrong = |found: &&Finding| {
            found.verdict == "fixable"
                && !matches!(self, Self::Rule(id) if found.rule.as_deref() == Some(id))
        };
        let is_right = is_as_said && !findings.iter().copied().any(|found| is_wrong(&found));
        ensure!(is_right, "{self:?}, but {}", in_words(findings));
        Ok(())
    }
}

/// Findings with the functions that they go by.
fn in_words(findings: &[&Finding]) -> String {
    let names = |frames: &[Frame]| {
        let names = frames
            .iter()
            .map(|frame| frame.function.as_deref().unwrap_or("?"));
        names.collect::<Vec<_>>().join(" < ")
    };
    let words = findings.iter().map(|found| {
        format!(
            "{:?} {} {} of {} -> {}\n  written by {}\n  read by {}",
            found.rule,
            found.verdict,
            found.bytes,
            found.source,
            found.sink,
            names(&found.stacks.write),
            names(&found.stacks.read)
        )
    });
    words.collect::<Vec<_>>().join("\n")
}

/// Bytes by way, as in [`Way`].
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
