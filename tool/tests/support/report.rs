//! The parts of a JSON report that tests look at, read as a stranger would.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The report.
#[derive(Debug, Deserialize)]
pub(crate) struct Report {
    pub(crate) processes: Vec<Process>,
    loss: BTreeMap<String, Option<u64>>,
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
}

/// What a process runs on.
#[derive(Debug, Deserialize)]
pub(crate) struct Runtime {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
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

impl Process {
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
