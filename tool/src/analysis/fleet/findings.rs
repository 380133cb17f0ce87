//! Findings that are the same on several machines.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::fleet::Pool;
use crate::analysis::fleet::services::Named;
use crate::model::{Audit, EndpointKind, Finding, FindingBytes, ProcessId, Verdict};

/// What is the same on several machines.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetFinding {
    /// The dearest of them, which stands for all; without the device that it leaves by, and
    /// what a fix saves.
    pub first: Finding,
    /// Bytes of all of them.
    pub bytes: FindingBytes,
    /// On how many machines.
    pub hosts: usize,
    /// Of how many processes.
    pub processes: usize,
    /// Of which services, what has most bytes first. Untrusted.
    pub services: Vec<String>,
}

/// What makes findings the same: the rule and the code. Where the code is not told from that of other
/// programs, by a file in a folder, the service, too.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    rule: Option<&'a str>,
    verdict: Verdict,
    lost: bool,
    ends: (EndpointKind, EndpointKind),
    function: Option<&'a str>,
    file: Option<&'a str>,
    service: Option<&'a str>,
}

#[derive(Default)]
struct Group<'a> {
    first: Option<&'a Finding>,
    bytes: FindingBytes,
    hosts: BTreeSet<usize>,
    processes: BTreeSet<(usize, ProcessId)>,
    services: BTreeMap<&'a str, u64>,
}

/// Joins them; dearest first.
pub(super) fn findings(audits: &[&Audit], named: &Named<'_>, pool: &Pool) -> Vec<FleetFinding> {
    let mut services: BTreeMap<(usize, ProcessId), &str> = BTreeMap::new();
    for (name, members) in named {
        let own = members.iter();
        services.extend(own.map(|member| ((member.recording, member.process.id), &**name)));
    }
    let mut groups: BTreeMap<Key<'_>, Group<'_>> = BTreeMap::new();
    for (host, pooled) in pool.hosts.iter().enumerate() {
        for &recording in &pooled.recordings {
            for finding in &audits[recording].findings {
                // What another recording counts is in none.
                if let Some(service) = services.get(&(recording, finding.process)) {
                    let group = groups.entry(Key::of(finding, service)).or_default();
                    group.add(host, finding, service);
                }
            }
        }
    }
    let mut joined: Vec<FleetFinding> = groups.into_values().filter_map(Group::joined).collect();
    // Stable: what costs the same stays in the order of rules and functions.
    joined.sort_by_key(|finding| {
        let bytes = finding.bytes.value;
        Reverse((if finding.first.lost { bytes } else { 0 }, bytes))
    });
    joined
}

impl<'a> Key<'a> {
    fn of(finding: &'a Finding, service: &'a str) -> Self {
        let culprit = finding.culprit.as_ref();
        let function = culprit.and_then(|frame| frame.function.as_deref());
        let file = culprit.and_then(|frame| frame.file.as_deref());
        let in_folder = file.is_some_and(|file| file.contains('/'));
        let is_told = function.is_some() && in_folder;
        Self {
            rule: finding.rule.as_deref(),
            verdict: finding.verdict,
            lost: finding.lost,
            ends: (finding.source, finding.sink),
            function,
            file,
            service: (!is_told).then_some(service),
        }
    }
}

impl<'a> Group<'a> {
    fn add(&mut self, host: usize, finding: &'a Finding, service: &'a str) {
        let is_dearer = |first: &Finding| finding.bytes.value > first.bytes.value;
        if self.first.is_none_or(is_dearer) {
            self.first = Some(finding);
        }
        self.bytes.add(finding.bytes);
        self.hosts.insert(host);
        self.processes.insert((host, finding.process));
        let bytes = self.services.entry(service).or_default();
        *bytes = bytes.saturating_add(finding.bytes.value);
    }

    fn joined(self) -> Option<FleetFinding> {
        let mut services: Vec<(&str, u64)> = self.services.into_iter().collect();
        services.sort_by_key(|(_, bytes)| Reverse(*bytes));
        Some(FleetFinding {
            first: Finding {
                // Those of one machine say nothing of the others.
                egress: None,
                saving: None,
                ..self.first?.clone()
            },
            bytes: self.bytes,
            hosts: self.hosts.len(),
            processes: self.processes.len(),
            services: services
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect(),
        })
    }
}
