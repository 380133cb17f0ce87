//! What the lab measured, for programs: `copytax.lab/1`.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::Serialize;

use crate::analysis::lab::{Median, cost};
use crate::model::{Call, CallSum, LabResult, LabRun, LabSeries, LabUnavailable};
use crate::report::names;

/// The name and version of the format.
const SCHEMA: &str = "copytax.lab/1";

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    host: Host<'a>,
    start: String,
    paths: Vec<PathEntry>,
    unavailable: Vec<UnavailableEntry<'a>>,
}

/// What this machine does not have.
#[derive(Debug, Serialize)]
struct UnavailableEntry<'a> {
    path: &'static str,
    transport: &'static str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct Host<'a> {
    kernel: &'a str,
    arch: &'a str,
    cpus: u32,
    processor: Option<&'a str>,
    congestion_control: Option<&'a str>,
    awake: bool,
}

/// One path over one transport with one size of transfers.
#[derive(Debug, Serialize)]
struct PathEntry {
    path: &'static str,
    transport: &'static str,
    transfer_bytes: u64,
    /// Of each connection.
    transfers_per_run: u64,
    connections: u32,
    cold: bool,
    /// `None` where nothing was measured.
    cost: Option<CostEntry>,
    runs: Vec<RunEntry>,
    /// Of all that was done, warming up too.
    accounting: Accounting,
}

#[derive(Debug, Serialize)]
struct CostEntry {
    gb_per_second: MedianEntry,
    cpu_seconds_per_gb: MedianEntry,
    system_share: Option<f64>,
    syscalls_per_gb: f64,
    context_switches_per_gb: MedianEntry,
    page_faults_per_gb: MedianEntry,
    /// `None` where the processor does not tell.
    cycles_per_byte: Option<MedianEntry>,
    latency: Option<LatencyEntry>,
    /// `None` where the kernel does not tell.
    resident_bytes: Option<u64>,
}

/// Until the last call of a transfer returned.
#[derive(Debug, Serialize)]
struct LatencyEntry {
    p50_ns: u64,
    p99_ns: u64,
}

/// A median and its 95% interval, where there are enough runs for one.
#[derive(Debug, Serialize)]
struct MedianEntry {
    median: f64,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Debug, Serialize)]
struct RunEntry {
    wall_ns: u64,
    cpu_ns: u64,
    user_ns: Option<u64>,
    system_ns: Option<u64>,
    context_switches: u64,
    page_faults: u64,
    cycles: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Accounting {
    runs: u64,
    calls: BTreeMap<&'static str, CallEntry>,
    other_calls: u64,
    calls_of_ends: BTreeMap<&'static str, CallEntry>,
}

#[derive(Debug, Serialize)]
struct CallEntry {
    calls: u64,
    bytes: u64,
}

/// Writes one JSON document and a newline.
///
/// # Errors
///
/// Those of `out`.
pub fn write_lab(out: &mut impl io::Write, result: &LabResult) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        host: Host {
            kernel: &result.host.kernel,
            arch: &result.host.arch,
            cpus: result.host.cpus,
            processor: result.processor.as_deref(),
            congestion_control: result.conditions.congestion_control.as_deref(),
            awake: result.conditions.is_awake,
        },
        start: names::rfc3339(result.start),
        paths: result.series.iter().map(PathEntry::from).collect(),
        unavailable: result.unavailable.iter().map(Into::into).collect(),
    };
    super::to_writer(out, &document)
}

impl From<&LabSeries> for PathEntry {
    fn from(series: &LabSeries) -> Self {
        Self {
            path: series.path,
            transport: series.transport,
            transfer_bytes: series.size,
            transfers_per_run: series.transfers,
            connections: series.connections,
            cold: series.is_cold,
            cost: cost(series).map(|cost| CostEntry {
                gb_per_second: cost.throughput.into(),
                cpu_seconds_per_gb: cost.cpu.into(),
                system_share: cost.system_share,
                syscalls_per_gb: cost.calls,
                context_switches_per_gb: cost.context_switches.into(),
                page_faults_per_gb: cost.page_faults.into(),
                cycles_per_byte: cost.cycles_per_byte.map(Into::into),
                latency: cost.latency.map(|(p50, p99)| LatencyEntry {
                    p50_ns: nanoseconds(p50),
                    p99_ns: nanoseconds(p99),
                }),
                resident_bytes: series.resident,
            }),
            runs: series.runs.iter().map(RunEntry::from).collect(),
            accounting: Accounting {
                runs: series.all_runs,
                calls: entries(&series.calls),
                other_calls: series.other_calls,
                calls_of_ends: entries(&series.calls_of_ends),
            },
        }
    }
}

impl From<Median> for MedianEntry {
    fn from(median: Median) -> Self {
        Self {
            median: median.value,
            low: median.interval.map(|(low, _)| low),
            high: median.interval.map(|(_, high)| high),
        }
    }
}

impl From<&LabRun> for RunEntry {
    fn from(run: &LabRun) -> Self {
        Self {
            wall_ns: nanoseconds(run.wall),
            cpu_ns: nanoseconds(run.cpu),
            user_ns: run.modes.map(|of| nanoseconds(of.user)),
            system_ns: run.modes.map(|of| nanoseconds(of.system)),
            context_switches: run.context_switches,
            page_faults: run.page_faults,
            cycles: run.cycles,
        }
    }
}

impl<'a> From<&'a LabUnavailable> for UnavailableEntry<'a> {
    fn from(of: &'a LabUnavailable) -> Self {
        Self {
            path: of.path,
            transport: of.transport,
            reason: &of.reason,
        }
    }
}

/// Of at most 584 years.
fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

fn entries(calls: &BTreeMap<Call, CallSum>) -> BTreeMap<&'static str, CallEntry> {
    let calls = calls.iter();
    calls
        .map(|(call, sum)| {
            let entry = CallEntry {
                calls: sum.calls,
                bytes: sum.bytes,
            };
            (call.name(), entry)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::fixture::{self, schema};

    const LAB: &str = include_str!("../../../../docs/lab.schema.json");

    #[test]
    fn the_document_is_as_its_schema_has_it() {
        let mut out = Vec::new();
        write_lab(&mut out, &fixture::lab()).expect("a vector takes everything");
        let mut document: Value = serde_json::from_slice(&out).expect("JSON");
        schema::assert_valid(LAB, &document);
        let paths = document["paths"].as_array().expect("paths");
        assert_eq!(paths.len(), 6);
        let cycles: Vec<bool> = paths
            .iter()
            .map(|path| path["cost"]["cycles_per_byte"].is_null())
            .collect();
        assert_eq!(cycles, [false, true].repeat(3));
        document["paths"][0]["cost"]["more"] = Value::Null;
        assert!(!schema::validator(LAB).is_valid(&document));
    }
}
