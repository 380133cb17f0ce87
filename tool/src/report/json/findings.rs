//! The findings of the document.

use serde::Serialize;

use crate::analysis::doctor::network::zero_copy;
use crate::model::{Device, Finding, Offloads, Saving, SmallTransfers, Stack};
use crate::report::json::flow::evidence;
use crate::report::json::sites::FrameEntry;
use crate::report::names;

/// One finding.
#[derive(Debug, Serialize)]
pub(super) struct FindingEntry<'a> {
    rule: Option<&'a str>,
    verdict: &'static str,
    pid: u32,
    start_time: u64,
    title: String,
    cause: Option<&'a str>,
    fix: Option<&'a str>,
    bytes: u64,
    bytes_margin: u64,
    share: Option<f64>,
    lost: bool,
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    evidence: Option<&'static str>,
    sharing_reason: Option<&'static str>,
    small_transfers: Option<Small>,
    saving: Option<SavingEntry>,
    egress: Option<Egress<'a>>,
    matched_by: Option<&'static str>,
    samples: u64,
    culprit: Option<FrameEntry<'a>>,
    stacks: Stacks<'a>,
    references: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Small {
    typical: u64,
    break_even: u64,
}

/// CPU time, in seconds; as a rate, in cores.
#[derive(Debug, Serialize)]
struct SavingEntry {
    cores: f64,
    cores_margin: f64,
    cpu_seconds_per_hour: f64,
    cpu_seconds_per_hour_margin: f64,
    share_of_cpu: Option<f64>,
    basis: &'static str,
}

/// A device, and what zero-copy does for what leaves by it; field for field as `doctor` has it.
#[derive(Debug, Serialize)]
struct Egress<'a> {
    device: &'a str,
    loopback: bool,
    scatter_gather: Option<bool>,
    tcp_segmentation: Option<bool>,
    tx_checksum: Option<bool>,
    tls_tx: Option<bool>,
    zero_copy: &'static str,
    why: &'static str,
}

/// Empty where nothing was sampled.
#[derive(Debug, Serialize)]
struct Stacks<'a> {
    write: Vec<FrameEntry<'a>>,
    read: Vec<FrameEntry<'a>>,
}

impl<'a> From<&'a Finding> for FindingEntry<'a> {
    fn from(finding: &'a Finding) -> Self {
        let is_zero_copy = finding.sharing.verdict().is_some();
        Self {
            rule: finding.rule.as_deref(),
            verdict: finding.verdict.name(),
            pid: finding.process.pid,
            start_time: finding.process.start_time_ns,
            title: names::title(finding),
            cause: finding.cause.as_deref(),
            fix: names::fix(finding),
            bytes: finding.bytes.value,
            bytes_margin: finding.bytes.margin,
            share: finding.share,
            lost: finding.lost,
            mechanism: finding.mechanism.name(),
            source: finding.source.name(),
            sink: finding.sink.name(),
            evidence: evidence(finding.evidence),
            sharing_reason: is_zero_copy.then(|| finding.sharing.name()),
            small_transfers: finding.small.map(Small::from),
            saving: finding.saving.map(SavingEntry::from),
            egress: finding.egress.as_ref().map(Egress::from),
            matched_by: finding.matched_by.map(|by| by.name()),
            samples: finding.samples,
            culprit: finding.culprit.as_ref().map(FrameEntry::from),
            stacks: Stacks {
                write: frames(finding.write.as_deref()),
                read: frames(finding.read.as_deref()),
            },
            references: finding.references.iter().map(|text| &**text).collect(),
        }
    }
}

fn frames(stack: Option<&Stack>) -> Vec<FrameEntry<'_>> {
    let frames = stack.map_or(&[][..], |stack| &stack.frames);
    frames.iter().map(FrameEntry::from).collect()
}

impl<'a> From<&'a Device> for Egress<'a> {
    fn from(device: &'a Device) -> Self {
        let (zero_copy, why) = zero_copy(device);
        let of = |offload: fn(Offloads) -> bool| device.offloads.map(offload);
        Self {
            device: &device.name,
            loopback: device.is_loopback,
            scatter_gather: of(|offloads| offloads.scatter_gather),
            tcp_segmentation: of(|offloads| offloads.tcp_segmentation),
            tx_checksum: of(|offloads| offloads.tx_checksum),
            tls_tx: of(|offloads| offloads.tls_tx),
            zero_copy: zero_copy.name(),
            why,
        }
    }
}

impl From<Saving> for SavingEntry {
    fn from(saving: Saving) -> Self {
        const HOUR: f64 = 3600.0;
        Self {
            cores: saving.cores,
            cores_margin: saving.margin,
            cpu_seconds_per_hour: HOUR * saving.cores,
            cpu_seconds_per_hour_margin: HOUR * saving.margin,
            share_of_cpu: saving.share,
            basis: saving.basis.name(),
        }
    }
}

impl From<SmallTransfers> for Small {
    fn from(
        SmallTransfers {
            typical,
            break_even,
        }: SmallTransfers,
    ) -> Self {
        Self {
            typical,
            break_even,
        }
    }
}
