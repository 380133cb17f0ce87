//! Recordings of many machines for programs, `copytax.merge/1`: `docs/merge.schema.json` describes it.

use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::analysis::diagnosis::egress;
use crate::analysis::fleet::{Fleet, FleetFinding, FleetLoss, Service, Sum, recording_id};
use crate::report::json::document::{Bytes, Host, LossCounts, Window};
use crate::report::json::sites::FrameEntry;
use crate::report::json::to_writer;
use crate::report::names;
use crate::report::recorded::{Recorded, whole_nanoseconds};

/// The name and version of the format.
const SCHEMA: &str = "copytax.merge/1";

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    by: &'static str,
    totals: SumEntry,
    loss: LossEntry<'a>,
    services: Vec<ServiceEntry<'a>>,
    findings: Vec<FindingEntry<'a>>,
    hosts: Vec<HostEntry<'a>>,
    recordings: Vec<RecordingEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct SumEntry {
    hosts: usize,
    processes: usize,
    hit_rate: Option<f64>,
    egress: u64,
    lost_per_second: Option<f64>,
    bytes: Bytes,
}

#[derive(Debug)]
struct LossEntry<'a>(&'a FleetLoss);

#[derive(Debug, Serialize)]
struct LossCount {
    count: Option<u64>,
    unknown_in: usize,
}

#[derive(Debug, Serialize)]
struct ServiceEntry<'a> {
    name: Option<&'a str>,
    share: Option<f64>,
    #[serde(flatten)]
    sum: SumEntry,
}

#[derive(Debug, Serialize)]
struct FindingEntry<'a> {
    rule: Option<&'a str>,
    verdict: &'static str,
    title: String,
    cause: Option<&'a str>,
    fix: Option<&'a str>,
    bytes: u64,
    bytes_margin: u64,
    lost: bool,
    source: &'static str,
    sink: &'static str,
    hosts: usize,
    processes: usize,
    services: Vec<Option<&'a str>>,
    culprit: Option<FrameEntry<'a>>,
    references: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct HostEntry<'a> {
    name: Option<&'a str>,
    /// Places of its recordings.
    recordings: &'a [usize],
    recorded_ns: u64,
    #[serde(flatten)]
    sum: SumEntry,
}

#[derive(Debug, Serialize)]
struct RecordingEntry<'a> {
    file: &'a str,
    id: String,
    host: Host<'a>,
    window: Window,
    engine: &'static str,
    incomplete: bool,
    damage: Option<&'a str>,
    loss: LossCounts,
    bytes: Bytes,
    left_out: Option<LeftOut<'a>>,
}

#[derive(Debug, Serialize)]
struct LeftOut<'a> {
    processes: usize,
    egress: u64,
    bytes: Bytes,
    counted_from: Vec<&'a str>,
}

/// Writes `fleet`, which was made of `recordings`, as one JSON document and a newline.
///
/// # Errors
///
/// Those of `out`.
pub fn write_fleet(
    out: &mut impl io::Write,
    fleet: &Fleet,
    recordings: &[Recorded<'_>],
) -> io::Result<()> {
    let hosts = fleet.pool.hosts.iter().zip(&fleet.hosts);
    let document = Document {
        schema: SCHEMA,
        by: fleet.by.name(),
        totals: SumEntry::from(&fleet.total),
        loss: LossEntry(&fleet.loss),
        services: fleet.services.iter().map(ServiceEntry::from).collect(),
        findings: fleet.findings.iter().map(FindingEntry::from).collect(),
        hosts: hosts
            .map(|(host, sum)| HostEntry {
                name: host.name.as_deref(),
                recordings: &host.recordings,
                recorded_ns: whole_nanoseconds(host.recorded),
                sum: SumEntry::from(sum),
            })
            .collect(),
        recordings: (0..recordings.len())
            .map(|index| RecordingEntry::new(fleet, recordings, index))
            .collect(),
    };
    to_writer(out, &document)
}

impl From<&Sum> for SumEntry {
    fn from(sum: &Sum) -> Self {
        Self {
            hosts: sum.hosts,
            processes: sum.processes,
            hit_rate: sum.hit_rate(),
            egress: sum.egress(),
            lost_per_second: sum.lost_per_second,
            bytes: Bytes::from(&sum.bytes),
        }
    }
}

impl Serialize for LossEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counters = self.0.known.counters();
        let mut map = serializer.serialize_map(Some(counters.len()))?;
        for ((name, count), unknown_in) in counters.into_iter().zip(self.0.unknown_in) {
            map.serialize_entry(name, &LossCount { count, unknown_in })?;
        }
        map.end()
    }
}

impl<'a> From<&'a Service> for ServiceEntry<'a> {
    fn from(service: &'a Service) -> Self {
        Self {
            name: known(&service.name),
            share: service.share,
            sum: SumEntry::from(&service.sum),
        }
    }
}

fn known(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

impl<'a> From<&'a FleetFinding> for FindingEntry<'a> {
    fn from(finding: &'a FleetFinding) -> Self {
        let first = &finding.first;
        Self {
            rule: first.rule.as_deref(),
            verdict: first.verdict.name(),
            title: names::title(first),
            cause: first.cause.as_deref(),
            fix: names::fix(first),
            bytes: finding.bytes.value,
            bytes_margin: finding.bytes.margin,
            lost: first.lost,
            source: first.source.name(),
            sink: first.sink.name(),
            hosts: finding.hosts,
            processes: finding.processes,
            services: finding.services.iter().map(|name| known(name)).collect(),
            culprit: first.culprit.as_ref().map(FrameEntry::from),
            references: first.references.iter().map(|text| &**text).collect(),
        }
    }
}

impl<'a> RecordingEntry<'a> {
    fn new(fleet: &Fleet, recordings: &[Recorded<'a>], index: usize) -> Self {
        let recorded = recordings[index];
        let audit = recorded.audit;
        let sum = &fleet.recordings[index];
        let overlap = fleet.pool.overlaps.get(&index);
        Self {
            file: recorded.file,
            id: recording_id(audit),
            host: Host::from(&audit.host),
            window: Window::from(&audit.window),
            engine: audit.engine.name(),
            incomplete: audit.is_incomplete,
            damage: recorded.damage,
            loss: LossCounts(audit.loss),
            bytes: Bytes::from(&sum.bytes),
            left_out: overlap.map(|overlap| LeftOut {
                processes: overlap.processes.len(),
                egress: egress(&sum.left_out),
                bytes: Bytes::from(&sum.left_out),
                counted_from: overlap
                    .counted_from
                    .iter()
                    .map(|&other| recordings[other].file)
                    .collect(),
            }),
        }
    }
}
