//! Metrics for Prometheus and others that read `OpenMetrics` text.

use std::collections::BTreeSet;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::analysis::groups::{Group, Grouped, Moved, Way};
use crate::model::{Audit, Finding, Loss, OwnCost};
use crate::report::names;

/// The media type of what [`write`] writes.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Findings that are told at most; the rest is counted.
const MAX_FINDINGS: usize = 200;

/// Stands for the processes that are not told apart.
const OTHER: &str = "other";

/// Everything that is told.
#[derive(Debug)]
struct Told {
    grouped: Grouped,
    findings: BTreeSet<FindingLabels>,
    left_out: u64,
    loss: Loss,
    seconds: f64,
    own: OwnCost,
}

/// Writes sums since counting began, and what was found.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    out: &mut impl fmt::Write,
    audit: &Audit,
    grouped: &Grouped,
    own: OwnCost,
) -> fmt::Result {
    let mut findings: BTreeSet<_> = BTreeSet::new();
    let mut left_out = 0;
    for finding in &audit.findings {
        let labels = FindingLabels::of(audit, finding);
        if findings.len() < MAX_FINDINGS || findings.contains(&labels) {
            findings.insert(labels);
        } else {
            left_out += 1;
        }
    }
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Told {
        grouped: grouped.clone(),
        findings,
        left_out,
        loss: audit.loss,
        seconds: audit.window.duration.as_secs_f64(),
        own,
    }));
    text::encode(out, &registry)
}

impl Collector for Told {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.moved(&mut encoder)?;
        self.found(&mut encoder)?;
        self.lost(&mut encoder)?;
        self.about_itself(&mut encoder)
    }
}

impl Told {
    /// Bytes and calls, a series for each way of each group.
    fn moved(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        self.sums(
            encoder,
            "copytax_written",
            "Bytes that processes wrote or had the kernel move",
            Some(&Unit::Bytes),
            |moved| moved.bytes,
        )?;
        self.sums(
            encoder,
            "copytax_calls",
            "Calls that contributed to copytax_written_bytes",
            None,
            |moved| moved.calls,
        )?;
        let groups = self.grouped.groups.keys().flatten().count();
        gauge(
            encoder,
            "copytax_groups",
            "Groups of processes that are told apart",
            groups as u64,
        )?;
        gauge(
            encoder,
            "copytax_other_processes",
            "Processes of further groups, which are together in exe=\"other\"",
            self.grouped.others,
        )
    }

    fn sums(
        &self,
        encoder: &mut DescriptorEncoder,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        sum: impl Fn(&Moved) -> u64,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
        for (group, ways) in &self.grouped.groups {
            for (way, moved) in ways {
                let labels = labels(group.as_ref(), way);
                ConstCounter::new(sum(moved)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn found(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Bytes that took a slower way than the kernel has, and why";
        let mut family =
            encoder.encode_descriptor("copytax_finding", help, None, MetricType::Info)?;
        for finding in &self.findings {
            family.encode_info(&finding.labels())?;
        }
        gauge(
            encoder,
            "copytax_findings_left_out",
            "Findings beyond those that copytax_finding_info has",
            self.left_out,
        )
    }

    fn lost(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "What could not be counted or kept, by what it was";
        let mut family =
            encoder.encode_descriptor("copytax_loss", help, None, MetricType::Counter)?;
        for (kind, count) in self.loss.counters() {
            if let Some(count) = count {
                let labels = [("kind", kind)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn about_itself(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "How long has been counted";
        let seconds = encoder.encode_descriptor(
            "copytax_window",
            help,
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        ConstGauge::new(self.seconds).encode(seconds)?;
        if let Some(time) = self.own.cpu {
            let help = "CPU time of copytax itself";
            let cpu = encoder.encode_descriptor(
                "process_cpu",
                help,
                Some(&Unit::Seconds),
                MetricType::Counter,
            )?;
            ConstCounter::new(time.as_secs_f64()).encode(cpu)?;
        }
        if let Some(bytes) = self.own.resident_bytes {
            let help = "Resident memory of copytax itself";
            let resident = encoder.encode_descriptor(
                "process_resident_memory",
                help,
                Some(&Unit::Bytes),
                MetricType::Gauge,
            )?;
            ConstGauge::new(bytes as f64).encode(resident)?;
        }
        Ok(())
    }
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value as f64).encode(gauge)
}

fn labels<'a>(group: Option<&'a Group>, way: &Way) -> [(&'static str, &'a str); 9] {
    let of_group = |text: fn(&Group) -> &str| group.map_or("", text);
    [
        ("exe", group.map_or(OTHER, |group| &group.exe)),
        ("cgroup", of_group(|group| &group.cgroup)),
        ("container", of_group(|group| &group.container)),
        ("pod_uid", of_group(|group| &group.pod_uid)),
        ("mechanism", way.mechanism.name()),
        ("source", way.source.name()),
        ("sink", way.sink.name()),
        ("class", names::class(way.class)),
        ("lost", if way.lost { "true" } else { "false" }),
    ]
}

/// What findings are told apart by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FindingLabels {
    exe: String,
    rule: String,
    title: String,
    verdict: &'static str,
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    function: String,
}

impl FindingLabels {
    fn of(audit: &Audit, finding: &Finding) -> Self {
        let process = audit
            .processes
            .iter()
            .find(|process| process.id == finding.process);
        let exe = process.map(|process| {
            let facts = &process.facts;
            facts.exe.clone().unwrap_or_else(|| facts.comm.clone())
        });
        let function = finding.culprit.as_ref().map(crate::analysis::frame_name);
        Self {
            exe: exe.unwrap_or_default(),
            rule: finding.rule.as_deref().unwrap_or("unknown").to_owned(),
            title: names::title(finding),
            verdict: finding.verdict.name(),
            mechanism: finding.mechanism.name(),
            source: finding.source.name(),
            sink: finding.sink.name(),
            function: function.map(|name| name.to_string()).unwrap_or_default(),
        }
    }

    fn labels(&self) -> [(&'static str, &str); 8] {
        [
            ("exe", &self.exe),
            ("rule", &self.rule),
            ("title", &self.title),
            ("verdict", self.verdict),
            ("mechanism", self.mechanism),
            ("source", self.source),
            ("sink", self.sink),
            ("function", &self.function),
        ]
    }
}
