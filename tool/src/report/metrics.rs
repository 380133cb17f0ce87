//! What is told as metrics, whoever reads them: one table of them, and the numbers that they have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::analysis::groups::{Group, Grouped, Moved, Way};
use crate::model::{Audit, ContainerName, Finding, Loss, OwnCost, Pushes};
use crate::report::names;

/// Findings that are told at most; the rest is counted.
const MAX_FINDINGS: usize = 200;

/// Stands for the processes that are not told apart.
const OTHER: &str = "other";

/// Labels of one series: names and values. Values come from processes and are untrusted.
pub(crate) type Labels<'a> = [(&'static str, &'a str)];

/// Gets each series of a metric.
pub(crate) type Emit<'a> = dyn FnMut(&Labels<'_>, u64) -> fmt::Result + 'a;

/// What kind of numbers a metric has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Never falls while copytax runs.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Is 1, and tells by its labels.
    Info,
}

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

/// Gives whole numbers, a series for each set of labels.
pub(crate) type WholeValues = fn(&Numbers, &mut Emit<'_>) -> fmt::Result;

/// Gives one number, without labels; none where it is not known.
pub(crate) type RealValue = fn(&Numbers) -> Option<f64>;

/// How the numbers of a metric are found.
#[derive(Clone, Copy)]
pub(crate) enum Values {
    /// Whole ones.
    Whole(WholeValues),
    /// One.
    Real(RealValue),
}

/// One metric.
#[derive(Clone, Copy)]
pub(crate) struct Metric {
    /// Its name without unit and suffix.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) help: &'static str,
    /// Of which kind.
    pub(crate) kind: Kind,
    /// In what, if in anything.
    pub(crate) unit: Option<Unit>,
    /// Its numbers.
    pub(crate) values: Values,
}

/// All that is told, in this order.
pub(crate) const METRICS: [Metric; 12] = [
    Metric {
        name: "copytax_written",
        help: "Bytes that processes wrote or had the kernel move",
        kind: Kind::Counter,
        unit: Some(Unit::Bytes),
        values: Values::Whole(|numbers, emit| numbers.sums(emit, |moved| moved.bytes)),
    },
    Metric {
        name: "copytax_calls",
        help: "Calls that contributed to copytax_written_bytes",
        kind: Kind::Counter,
        unit: None,
        values: Values::Whole(|numbers, emit| numbers.sums(emit, |moved| moved.calls)),
    },
    Metric {
        name: "copytax_groups",
        help: "Groups of processes that are told apart",
        kind: Kind::Gauge,
        unit: None,
        values: Values::Whole(|numbers, emit| {
            emit(&[], numbers.grouped.groups.keys().flatten().count() as u64)
        }),
    },
    Metric {
        name: "copytax_other_processes",
        help: "Processes of further groups, which are together in exe=\"other\"",
        kind: Kind::Gauge,
        unit: None,
        values: Values::Whole(|numbers, emit| emit(&[], numbers.grouped.others)),
    },
    Metric {
        name: "copytax_finding",
        help: "Bytes that took a slower way than the kernel has, and why",
        kind: Kind::Info,
        unit: None,
        values: Values::Whole(Numbers::findings),
    },
    Metric {
        name: "copytax_findings_left_out",
        help: "Findings beyond those that copytax_finding_info has",
        kind: Kind::Gauge,
        unit: None,
        values: Values::Whole(|numbers, emit| emit(&[], numbers.left_out)),
    },
    Metric {
        name: "copytax_loss",
        help: "What could not be counted or kept, by what it was",
        kind: Kind::Counter,
        unit: None,
        values: Values::Whole(Numbers::losses),
    },
    Metric {
        name: "copytax_pushes",
        help: "What was pushed to other servers, by what it was",
        kind: Kind::Counter,
        unit: None,
        values: Values::Whole(|numbers, emit| numbers.pushes(emit, |pushes| pushes.sent)),
    },
    Metric {
        name: "copytax_push_failures",
        help: "Pushes that have failed, by what it was",
        kind: Kind::Counter,
        unit: None,
        values: Values::Whole(|numbers, emit| numbers.pushes(emit, |pushes| pushes.failed)),
    },
    Metric {
        name: "copytax_window",
        help: "How long has been counted",
        kind: Kind::Gauge,
        unit: Some(Unit::Seconds),
        values: Values::Real(|numbers| Some(numbers.seconds)),
    },
    Metric {
        name: "process_cpu",
        help: "CPU time of copytax itself",
        kind: Kind::Counter,
        unit: Some(Unit::Seconds),
        values: Values::Real(|numbers| numbers.own.cpu.map(|time| time.as_secs_f64())),
    },
    Metric {
        name: "process_resident_memory",
        help: "Resident memory of copytax itself",
        kind: Kind::Gauge,
        unit: Some(Unit::Bytes),
        values: Values::Real(|numbers| numbers.own.resident_bytes.map(|bytes| bytes as f64)),
    },
];

/// The numbers at one time: sums since counting began, and what was found.
#[derive(Debug)]
pub(crate) struct Numbers {
    grouped: Grouped,
    /// By container id.
    names: Option<BTreeMap<String, ContainerName>>,
    findings: BTreeSet<FindingLabels>,
    left_out: u64,
    loss: Loss,
    seconds: f64,
    own: OwnCost,
    pushes: Vec<Pushes>,
}

impl Numbers {
    /// Those of an audit, with its groups, and the names of their containers where these are asked for; and what
    /// copytax itself takes and has pushed.
    pub(crate) fn new(
        audit: &Audit,
        grouped: Grouped,
        names: Option<BTreeMap<String, ContainerName>>,
        own: OwnCost,
        pushes: Vec<Pushes>,
    ) -> Self {
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
        Self {
            grouped,
            names,
            findings,
            left_out,
            loss: audit.loss,
            seconds: audit.window.duration.as_secs_f64(),
            own,
            pushes,
        }
    }

    /// A series for each way of each group.
    fn sums(&self, emit: &mut Emit<'_>, sum: fn(&Moved) -> u64) -> fmt::Result {
        for (group, ways) in &self.grouped.groups {
            for (way, moved) in ways {
                let mut labels = labels(group.as_ref(), way).to_vec();
                labels.extend(self.name_labels(group.as_ref()));
                emit(&labels, sum(moved))?;
            }
        }
        Ok(())
    }

    /// What Kubernetes calls the container of a group; no labels where nobody is asked.
    fn name_labels(&self, group: Option<&Group>) -> impl Iterator<Item = (&'static str, &str)> {
        let names = self.names.as_ref();
        names.into_iter().flat_map(move |names| {
            let name = group.and_then(|group| names.get(&group.container));
            let of = |text: fn(&ContainerName) -> &String| name.map_or("", |name| text(name));
            [
                ("namespace", of(|name| &name.namespace)),
                ("pod", of(|name| &name.pod)),
                ("container_name", of(|name| &name.container)),
            ]
        })
    }

    fn findings(&self, emit: &mut Emit<'_>) -> fmt::Result {
        self.findings
            .iter()
            .try_for_each(|finding| emit(&finding.labels(), 1))
    }

    fn losses(&self, emit: &mut Emit<'_>) -> fmt::Result {
        for (kind, count) in self.loss.counters() {
            if let Some(count) = count {
                emit(&[("kind", kind)], count)?;
            }
        }
        Ok(())
    }

    fn pushes(&self, emit: &mut Emit<'_>, count: fn(&Pushes) -> u64) -> fmt::Result {
        self.pushes
            .iter()
            .try_for_each(|pushes| emit(&[("what", pushes.what)], count(pushes)))
    }
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
