//! The processes of the document.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::{CpuTime, Totals};
use crate::model::{
    CompressionLike, Fallback, FallbackFlow, Libc, ProcessAudit, ProcessFacts, ProcessId, Profile,
    Runtime, Syscall,
};
use crate::report::json::document::Bytes;
use crate::report::json::flow::{FlowEntry, evidence};
use crate::report::json::sites::{CallSiteEntry, CpuEntry};
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
    cpu: CpuEntry,
    flows: Vec<FlowEntry>,
    /// `None` where nothing was sampled at all.
    call_sites: Option<Vec<CallSiteEntry<'a>>>,
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

impl<'a> Process<'a> {
    /// With what `profile` and `times` have of it.
    pub(super) fn new(
        process: &'a ProcessAudit,
        profile: Option<&'a Profile>,
        times: Option<&BTreeMap<ProcessId, CpuTime>>,
    ) -> Self {
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
            cpu: cpu(process.id, profile, times),
            flows: process.flows.iter().map(FlowEntry::from).collect(),
            call_sites: profile.map(|profile| call_sites(process.id, profile)),
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

/// The call sites of one process, most bytes first.
fn call_sites(id: ProcessId, profile: &Profile) -> Vec<CallSiteEntry<'_>> {
    let sites = profile.call_sites.iter();
    let mut sites: Vec<_> = sites.filter(|site| site.process == id).collect();
    sites.sort_by(|a, b| b.bytes.value.total_cmp(&a.bytes.value));
    let totals = Totals::of(sites.iter().copied());
    let entry = |site| CallSiteEntry::of(site, totals.beside(site));
    sites.into_iter().map(entry).collect()
}

/// Of a process that no tick met it is 0, where there were ticks.
fn cpu(
    id: ProcessId,
    profile: Option<&Profile>,
    times: Option<&BTreeMap<ProcessId, CpuTime>>,
) -> CpuEntry {
    let has_ticks = profile.is_some_and(|profile| !profile.sampling.tick.is_zero());
    let Some(times) = times.filter(|_| has_ticks) else {
        return CpuEntry::default();
    };
    times
        .get(&id)
        .map_or_else(|| CpuEntry::from(&CpuTime::default()), CpuEntry::from)
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
