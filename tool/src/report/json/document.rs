//! The types of the document, field for field as the schema has them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Audit, ByteClasses, Class, CommandOutcome, Flow, Loss, ProcessAudit, Syscall};
use crate::report::json::SCHEMA;
use crate::report::names;

/// The whole document.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    schema: &'static str,
    host: Host<'a>,
    window: Window,
    engine: &'static str,
    command: Option<Command<'a>>,
    loss: LossCounts,
    totals: Totals,
    processes: Vec<Process<'a>>,
    findings: [(); 0],
}

#[derive(Debug, Serialize)]
struct Host<'a> {
    kernel: &'a str,
    arch: &'a str,
    cpus: u32,
    hostname: &'a str,
}

#[derive(Debug, Serialize)]
struct Window {
    start: String,
    duration_ns: u64,
}

#[derive(Debug, Serialize)]
struct Command<'a> {
    command: &'a [String],
    pid: u32,
    exit_code: Option<i32>,
    signal: Option<i32>,
}

#[derive(Debug, Serialize)]
struct LossCounts {
    samples_dropped: u64,
    relay_evictions: u64,
    relay_contention: u64,
    content_unreadable: u64,
    pieces_truncated: u64,
    map_full: u64,
    unsupported_abi_calls: Option<u64>,
    endpoint_unknown: u64,
}

#[derive(Debug, Serialize)]
struct Totals {
    hit_rate: Option<f64>,
    bytes: Bytes,
}

/// `mapped` and `kernel_copied` are not told apart yet: null, not 0.
#[derive(Debug, Serialize)]
struct Bytes {
    zero_copy: u64,
    staged: u64,
    lost: u64,
    bounced: u64,
    mapped: Option<u64>,
    transformed: u64,
    generated: u64,
    unknown: u64,
    kernel_copied: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Process<'a> {
    pid: u32,
    start_time: u64,
    comm: Option<&'a str>,
    exe: Option<&'a str>,
    cmdline: &'a [String],
    cgroup: Option<&'a str>,
    container_id: Option<&'a str>,
    runtime: Option<&'a str>,
    exited: bool,
    hit_rate: Option<f64>,
    bytes: Bytes,
    cpu: Cpu,
    flows: Vec<FlowEntry>,
    syscalls: BTreeMap<&'static str, SyscallEntry>,
}

/// Not measured yet: null, not 0.
#[derive(Debug, Default, Serialize)]
struct Cpu {
    total_ns: Option<u64>,
    in_syscall_ns: Option<u64>,
    copying_ns: Option<u64>,
}

#[derive(Debug, Serialize)]
struct FlowEntry {
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    class: &'static str,
    lost: bool,
    evidence: Option<&'static str>,
    bytes: u64,
    calls: u64,
    errors: BTreeMap<String, u64>,
    transfer_sizes: [(); 0],
}

#[derive(Debug, Serialize)]
struct SyscallEntry {
    calls: u64,
    bytes: u64,
    errors: u64,
}

impl<'a> From<&'a Audit> for Report<'a> {
    fn from(audit: &'a Audit) -> Self {
        Self {
            schema: SCHEMA,
            host: Host {
                kernel: &audit.host.kernel,
                arch: &audit.host.arch,
                cpus: audit.host.cpus,
                hostname: &audit.host.hostname,
            },
            window: Window {
                start: names::rfc3339(audit.window.start),
                // 584 years.
                duration_ns: audit
                    .window
                    .duration
                    .as_nanos()
                    .try_into()
                    .unwrap_or(u64::MAX),
            },
            engine: audit.engine.name(),
            command: audit.command.as_ref().map(Command::from),
            loss: LossCounts::from(&audit.loss),
            totals: Totals {
                hit_rate: audit.hit_rate,
                bytes: Bytes::from(&audit.bytes),
            },
            processes: audit.processes.iter().map(Process::from).collect(),
            findings: [],
        }
    }
}

impl<'a> From<&'a CommandOutcome> for Command<'a> {
    fn from(outcome: &'a CommandOutcome) -> Self {
        Self {
            command: &outcome.command,
            pid: outcome.pid,
            exit_code: outcome.exit_code,
            signal: outcome.signal,
        }
    }
}

impl From<&Loss> for LossCounts {
    fn from(loss: &Loss) -> Self {
        // Taken apart, so that a new counter cannot be forgotten here.
        let Loss {
            samples_dropped,
            relay_evictions,
            relay_contention,
            content_unreadable,
            pieces_truncated,
            map_full,
            unsupported_abi_calls,
            endpoint_unknown,
        } = *loss;
        Self {
            samples_dropped,
            relay_evictions,
            relay_contention,
            content_unreadable,
            pieces_truncated,
            map_full,
            unsupported_abi_calls,
            endpoint_unknown,
        }
    }
}

impl From<&ByteClasses> for Bytes {
    fn from(bytes: &ByteClasses) -> Self {
        Self {
            zero_copy: bytes.zero_copy,
            staged: bytes.staged,
            lost: bytes.lost,
            bounced: bytes.bounced,
            mapped: Some(bytes.mapped),
            transformed: bytes.transformed,
            generated: bytes.generated,
            unknown: bytes.unknown,
            kernel_copied: Some(bytes.kernel_copied),
        }
    }
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
            runtime: None,
            exited: facts.exited,
            hit_rate: process.hit_rate,
            bytes: Bytes::from(&process.bytes),
            cpu: Cpu::default(),
            flows: process.flows.iter().map(FlowEntry::from).collect(),
            syscalls: process
                .syscalls
                .iter()
                .map(|(call, sums)| (call.name(), SyscallEntry::from(sums)))
                .collect(),
        }
    }
}

impl From<&Flow> for FlowEntry {
    fn from(flow: &Flow) -> Self {
        Self {
            mechanism: flow.mechanism.name(),
            source: flow.source.name(),
            sink: flow.sink.name(),
            class: names::class(flow.class),
            lost: flow.lost,
            evidence: evidence(flow.class),
            bytes: flow.bytes,
            calls: flow.calls,
            errors: flow
                .errors
                .iter()
                .map(|(&errno, failures)| (names::errno(errno), failures.count))
                .collect(),
            transfer_sizes: [],
        }
    }
}

/// Why the bytes have their class; zero-copy mechanisms need no evidence.
const fn evidence(class: Class) -> Option<&'static str> {
    match class {
        Class::ZeroCopy | Class::Staged | Class::ByReference | Class::Ingest => None,
        Class::SameBuffer
        | Class::SameContent
        | Class::SameSize
        | Class::Generated
        | Class::Mapped
        | Class::TlsRecord
        | Class::Unknown => Some(class.name()),
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
