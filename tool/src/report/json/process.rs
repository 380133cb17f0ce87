//! The processes of the document.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    CompressionLike, Fallback, FallbackFlow, Libc, ProcessAudit, ProcessFacts, Runtime, Syscall,
};
use crate::report::json::document::Bytes;
use crate::report::json::flow::{FlowEntry, evidence};
use crate::report::names;

/// One process.
#[derive(Debug, Serialize)]
pub(super) struct Process<'a> {
    pid: u32,
    start_time: u64,
    comm: Option<&'a str>,
    exe: Option<&'a str>,
    cmdline: &'a [String],
    cgroup: Option<&'a str>,
    container_id: Option<&'a str>,
    runtime: Option<RuntimeEntry<'a>>,
    exited: bool,
    /// Ways past all calls; `None` where they could not be looked for.
    bypass: Option<Vec<&'static str>>,
    hit_rate: Option<f64>,
    bytes: Bytes,
    cpu: Cpu,
    flows: Vec<FlowEntry>,
    fallbacks: Vec<FallbackEntry>,
    compression_like: Option<Compression>,
    syscalls: BTreeMap<&'static str, SyscallEntry>,
}

/// What it runs on.
#[derive(Debug, Serialize)]
struct RuntimeEntry<'a> {
    name: &'static str,
    version: Option<&'a str>,
    libc: Option<&'static str>,
    evidence: &'static str,
}

/// Not measured yet: null, not 0.
#[derive(Debug, Default, Serialize)]
struct Cpu {
    total_ns: Option<u64>,
    in_syscall_ns: Option<u64>,
    copying_ns: Option<u64>,
}

#[derive(Debug, Serialize)]
struct FallbackEntry {
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    errno: String,
    count: u64,
    failed_first_ns: u64,
    then: FallbackFlowEntry,
}

#[derive(Debug, Serialize)]
struct FallbackFlowEntry {
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    evidence: Option<&'static str>,
    bytes: u64,
    first_ns: u64,
}

#[derive(Debug, Serialize)]
struct Compression {
    read: u64,
    written: u64,
}

#[derive(Debug, Serialize)]
struct SyscallEntry {
    calls: u64,
    bytes: u64,
    errors: u64,
}

impl<'a> From<&'a ProcessAudit> for Process<'a> {
    fn from(process: &'a ProcessAudit) -> Self {
        let facts = &process.facts;
        Self {
            pid: process.id.pid,
            start_time: process.id.start_time_ns,
            comm: Some(facts.comm.as_str()).filter(|comm| !comm.is_empty()),
            exe: facts.exe.as_deref(),
            cmdline: &facts.cmdline,
            cgroup: facts.cgroup.as_deref(),
            container_id: facts.container_id.as_deref(),
            runtime: facts.runtime.as_ref().map(RuntimeEntry::from),
            exited: facts.exited,
            bypass: bypass(facts),
            hit_rate: process.hit_rate,
            bytes: Bytes::from(&process.bytes),
            cpu: Cpu::default(),
            flows: process.flows.iter().map(FlowEntry::from).collect(),
            fallbacks: process.fallbacks.iter().map(FallbackEntry::from).collect(),
            compression_like: process.compression_like.map(Compression::from),
            syscalls: process
                .syscalls
                .iter()
                .map(|(call, sums)| (call.name(), SyscallEntry::from(sums)))
                .collect(),
        }
    }
}

impl<'a> From<&'a Runtime> for RuntimeEntry<'a> {
    fn from(runtime: &'a Runtime) -> Self {
        Self {
            name: runtime.name.name(),
            version: runtime.version.as_deref(),
            libc: runtime.libc.map(Libc::name),
            evidence: runtime.evidence.name(),
        }
    }
}

fn bypass(facts: &ProcessFacts) -> Option<Vec<&'static str>> {
    let af_xdp = facts.af_xdp?;
    Some(af_xdp.then_some("af_xdp").into_iter().collect())
}

impl From<&Fallback> for FallbackEntry {
    fn from(fallback: &Fallback) -> Self {
        Self {
            mechanism: fallback.mechanism.name(),
            source: fallback.source.name(),
            sink: fallback.sink.name(),
            errno: names::errno(fallback.errno),
            count: fallback.failures.count,
            failed_first_ns: fallback.failures.first_ns,
            then: FallbackFlowEntry::from(&fallback.then),
        }
    }
}

impl From<&FallbackFlow> for FallbackFlowEntry {
    fn from(flow: &FallbackFlow) -> Self {
        Self {
            mechanism: flow.mechanism.name(),
            source: flow.source.name(),
            sink: flow.sink.name(),
            evidence: evidence(flow.class),
            bytes: flow.bytes,
            first_ns: flow.first_ns,
        }
    }
}

impl From<CompressionLike> for Compression {
    fn from(CompressionLike { read, written }: CompressionLike) -> Self {
        Self { read, written }
    }
}

impl From<&Syscall> for SyscallEntry {
    fn from(sums: &Syscall) -> Self {
        Self {
            calls: sums.calls,
            bytes: sums.bytes,
            errors: sums.errors,
        }
    }
}
