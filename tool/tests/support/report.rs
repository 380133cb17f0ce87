//! The parts of a JSON report that tests look at, read as a stranger would.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) window: Window,
    pub(crate) processes: Vec<Process>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) command: Option<CommandOutcome>,
    loss: BTreeMap<String, Option<u64>>,
}

/// How long it was.
#[derive(Debug, Deserialize)]
pub(crate) struct Window {
    pub(crate) duration_ns: u64,
}

/// How the command of an audit ended.
#[derive(Debug, Deserialize)]
pub(crate) struct CommandOutcome {
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

/// What is said of bytes that took a slower way than the kernel has.
#[derive(Debug, Deserialize)]
pub(crate) struct Finding {
    pub(crate) rule: Option<String>,
    pub(crate) verdict: String,
    pub(crate) pid: u32,
    pub(crate) title: String,
    pub(crate) bytes: u64,
    pub(crate) source: String,
    pub(crate) sink: String,
    pub(crate) matched_by: Option<String>,
    pub(crate) culprit: Option<Culprit>,
    pub(crate) stacks: FindingStacks,
    pub(crate) egress: Option<Egress>,
    pub(crate) saving: Option<Saving>,
}

/// What its fix would save.
#[derive(Debug, Deserialize)]
pub(crate) struct Saving {
    pub(crate) cores: f64,
    pub(crate) cores_margin: f64,
    pub(crate) basis: String,
}

/// The device that bytes leave by.
#[derive(Debug, Deserialize)]
pub(crate) struct Egress {
    pub(crate) device: String,
    pub(crate) scatter_gather: Option<bool>,
    pub(crate) zero_copy: String,
}

/// The stacks of a finding, innermost function first; empty where nothing was sampled.
#[derive(Debug, Deserialize)]
pub(crate) struct FindingStacks {
    pub(crate) write: Vec<Frame>,
    pub(crate) read: Vec<Frame>,
}

/// One process.
#[derive(Debug, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) comm: String,
    pub(crate) runtime: Option<Runtime>,
    pub(crate) hit_rate: Option<f64>,
    pub(crate) bytes: Bytes,
    pub(crate) flows: Vec<Flow>,
    syscalls: BTreeMap<String, Syscall>,
    call_sites: Option<Vec<CallSite>>,
}

/// What a process runs on.
#[derive(Debug, Deserialize)]
pub(crate) struct Runtime {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
}

/// A way through a program by which bytes move.
#[derive(Debug, Deserialize)]
pub(crate) struct CallSite {
    pub(crate) kind: String,
    pub(crate) samples: u64,
    pub(crate) bytes: Estimate,
    pub(crate) culprit: Option<Culprit>,
    pub(crate) stacks: Stacks,
}

/// An estimate, and half the width of its 95 % interval.
#[derive(Debug, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) value: u64,
    pub(crate) margin: u64,
}

/// The function that makes bytes bounce.
#[derive(Debug, Deserialize)]
pub(crate) struct Culprit {
    pub(crate) function: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
}

/// Who wrote, and who had read.
#[derive(Debug, Deserialize)]
pub(crate) struct Stacks {
    pub(crate) write: Stack,
    pub(crate) read: Option<Stack>,
}

/// A stack, innermost function first.
#[derive(Debug, Deserialize)]
pub(crate) struct Stack {
    pub(crate) end: String,
    pub(crate) frames: Vec<Frame>,
}

/// One function of a stack.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame {
    pub(crate) function: Option<String>,
}

/// Bytes by class.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) zero_copy: u64,
    pub(crate) lost: u64,
    pub(crate) bounced: u64,
    pub(crate) transformed: u64,
    pub(crate) generated: u64,
    pub(crate) staged: u64,
    pub(crate) unknown: u64,
}

/// Bytes that moved in one way between two kinds of endpoints.
#[derive(Debug, Deserialize)]
pub(crate) struct Flow {
    pub(crate) class: String,
    pub(crate) mechanism: String,
    pub(crate) source: Option<String>,
    pub(crate) sink: Option<String>,
    pub(crate) evidence: Option<String>,
    pub(crate) sharing: Option<String>,
    pub(crate) bytes: u64,
}

/// Sums of one system call.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Syscall {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
    pub(crate) errors: u64,
}

impl Report {
    /// The process with a pid, the rest dropped.
    pub(crate) fn take(mut self, pid: u32) -> Result<Process> {
        let found = self.processes.iter().position(|p| p.pid == pid);
        let found = found.with_context(|| format!("pid {pid} is not in {self:#?}"))?;
        Ok(self.processes.swap_remove(found))
    }

    /// The process with a pid.
    pub(crate) fn process(&self, pid: u32) -> Result<&Process> {
        let found = self.processes.iter().find(|process| process.pid == pid);
        found.with_context(|| format!("pid {pid} is not in {self:#?}"))
    }

    /// The only process with a command name.
    pub(crate) fn named(&self, comm: &str) -> Result<&Process> {
        let mut found = self.processes.iter().filter(|process| process.comm == comm);
        let process = found.next();
        ensure!(found.next().is_none(), "two processes are named {comm}");
        process.with_context(|| format!("no process is named {comm} in {self:#?}"))
    }

    /// Fails unless the dearest finding of a process is of a rule.
    pub(crate) fn says(&self, pid: u32, rule: &str) -> Result<()> {
        let mut findings = self.findings.iter();
        let first = findings.find(|finding| finding.pid == pid);
        let found = first.and_then(|finding| finding.rule.as_deref());
        ensure!(found == Some(rule), "{rule} is not found first: {first:#?}");
        Ok(())
    }

    /// Fails if a call may be missing. Which bytes were relayed can be in doubt all the same.
    pub(crate) fn every_call_counted(&self) -> Result<()> {
        for counter in ["map_full", "unsupported_abi_calls", "endpoint_unknown"] {
            let lost = self.loss(counter).unwrap_or(0);
            ensure!(lost == 0, "{counter} is {lost}");
        }
        Ok(())
    }

    /// A loss counter; none where the engine cannot know.
    pub(crate) fn loss(&self, counter: &str) -> Option<u64> {
        self.loss.get(counter).copied().flatten()
    }

    /// Fails if a loss counter is not 0.
    pub(crate) fn nothing_lost(&self) -> Result<()> {
        let lost = self.loss.values().any(|count| count.unwrap_or(0) > 0);
        ensure!(!lost, "the audit lost something: {:?}", self.loss);
        Ok(())
    }
}

impl Stack {
    /// Whether a function is on it.
    pub(crate) fn has(&self, function: &str) -> bool {
        let mut frames = self.frames.iter();
        frames.any(|frame| frame.function.as_deref() == Some(function))
    }
}

impl Process {
    /// Whether any byte is counted.
    pub(crate) fn has_written(&self) -> bool {
        self.flows.iter().any(|flow| flow.bytes > 0)
    }

    /// The call site of most bytes of a kind.
    pub(crate) fn largest_site(&self, kind: &str) -> Result<&CallSite> {
        let sites = self.call_sites.iter().flatten();
        sites
            .filter(|site| site.kind == kind)
            .max_by_key(|site| site.bytes.value)
            .with_context(|| format!("no site of {kind} bytes in {self:#?}"))
    }

    /// How many stacks of samples there are. Fails unless at least 98 of 100 go to where their threads
    /// began.
    pub(crate) fn stacks_reach_their_entry(&self) -> Result<u64> {
        let (mut all, mut whole) = (0, 0);
        for site in self.call_sites.iter().flatten() {
            let reads = site.stacks.read.iter();
            for stack in reads.chain([&site.stacks.write]) {
                all += site.samples;
                whole += if stack.end == "entry" {
                    site.samples
                } else {
                    0
                };
            }
        }
        ensure!(all > 0, "no stack was sampled");
        ensure!(
            whole * 100 >= all * 98,
            "{whole} of {all} stacks are whole: {self:#?}"
        );
        Ok(all)
    }

    /// Its calls, without those that it never made.
    pub(crate) fn calls(&self) -> BTreeMap<&str, Syscall> {
        let made = self.syscalls.iter().filter(|(_, sums)| sums.calls > 0);
        made.map(|(name, sums)| (name.as_str(), *sums)).collect()
    }

    /// Bytes written to endpoints of a kind, in any way or by one mechanism only.
    pub(crate) fn bytes_to(&self, sink: &str, mechanism: Option<&str>) -> u64 {
        self.flows
            .iter()
            .filter(|flow| flow.sink.as_deref() == Some(sink))
            .filter(|flow| mechanism.is_none_or(|wanted| flow.mechanism == wanted))
            .map(|flow| flow.bytes)
            .sum()
    }
}
