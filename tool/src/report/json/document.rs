//! The outermost types of the document, field for field as the schema has them.

use serde::Serialize;

use crate::analysis::cpu_times;
use crate::model::{self, Audit, ByteClasses, CommandOutcome, Loss, Profile};
use crate::report::json::SCHEMA;
use crate::report::json::findings::FindingEntry;
use crate::report::json::process::Process;
use crate::report::names;
use crate::report::recorded::whole_nanoseconds;

/// The whole document.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    schema: &'static str,
    host: Host<'a>,
    window: Window,
    engine: &'static str,
    /// Of a recording that was cut short.
    incomplete: bool,
    command: Option<Command<'a>>,
    loss: LossCounts,
    totals: Totals,
    processes: Vec<Process<'a>>,
    findings: Vec<FindingEntry<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Host<'a> {
    kernel: &'a str,
    arch: &'a str,
    cpus: u32,
    hostname: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Window {
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

/// Its counters, by name.
#[derive(Debug)]
pub(super) struct LossCounts(pub(super) Loss);

impl Serialize for LossCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.counters())
    }
}

#[derive(Debug, Serialize)]
struct Totals {
    hit_rate: Option<f64>,
    bytes: Bytes,
}

/// Bytes by class.
#[derive(Debug, Serialize)]
pub(super) struct Bytes {
    zero_copy: u64,
    staged: u64,
    lost: u64,
    bounced: u64,
    mapped: u64,
    transformed: u64,
    generated: u64,
    unknown: u64,
    kernel_copied: u64,
}

impl<'a> Report<'a> {
    pub(super) fn new(audit: &'a Audit, profile: Option<&'a Profile>) -> Self {
        let times = profile.map(|profile| cpu_times(&profile.cpu));
        Self {
            schema: SCHEMA,
            host: Host::from(&audit.host),
            window: Window::from(&audit.window),
            engine: audit.engine.name(),
            incomplete: audit.is_incomplete,
            command: audit.command.as_ref().map(Command::from),
            loss: LossCounts(audit.loss),
            totals: Totals {
                hit_rate: audit.hit_rate,
                bytes: Bytes::from(&audit.bytes),
            },
            processes: audit
                .processes
                .iter()
                .map(|process| Process::new(process, profile, times.as_ref()))
                .collect(),
            findings: audit.findings.iter().map(FindingEntry::from).collect(),
        }
    }
}

impl<'a> From<&'a model::Host> for Host<'a> {
    fn from(host: &'a model::Host) -> Self {
        Self {
            kernel: &host.kernel,
            arch: &host.arch,
            cpus: host.cpus,
            hostname: &host.hostname,
        }
    }
}

impl From<&model::Window> for Window {
    fn from(window: &model::Window) -> Self {
        Self {
            start: names::rfc3339(window.start),
            duration_ns: whole_nanoseconds(window.duration),
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

impl From<&ByteClasses> for Bytes {
    fn from(bytes: &ByteClasses) -> Self {
        Self {
            zero_copy: bytes.zero_copy,
            staged: bytes.staged,
            lost: bytes.lost,
            bounced: bytes.bounced,
            mapped: bytes.mapped,
            transformed: bytes.transformed,
            generated: bytes.generated,
            unknown: bytes.unknown,
            kernel_copied: bytes.kernel_copied,
        }
    }
}
