//! Recordings of many machines as one: which service pays most, and why.

mod findings;
mod hosts;
mod identity;
mod loss;
mod services;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::analysis::alike::{MatchBy, key};
use crate::analysis::diagnosis::egress;
use crate::analysis::hit_rate;
use crate::analysis::savings::{Savings, savings_of};
use crate::model::{Audit, ByteClasses, ProcessAudit, ProcessFacts, ProcessId};

pub use findings::FleetFinding;
pub use hosts::{Host, Overlap, Pool, pool};
pub use identity::recording_id;
pub use loss::FleetLoss;

/// Recordings of many machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// What made processes one service.
    pub by: MatchBy,
    /// Which recordings are of which machine, and what of them does not count.
    pub pool: Pool,
    /// What counts of each recording.
    pub recordings: Vec<RecordingSum>,
    /// What each machine did, in the order of [`Pool::hosts`].
    pub hosts: Vec<Sum>,
    /// What all of them did.
    pub total: Sum,
    /// Processes that are the same on all machines; what lost most comes first.
    pub services: Vec<Service>,
    /// What is the same on several machines; dearest first.
    pub findings: Vec<FleetFinding>,
    /// What they could save.
    pub savings: Savings,
    /// What the recordings have lost.
    pub loss: FleetLoss,
}

/// What counts of a recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordingSum {
    /// Of the processes that count.
    pub bytes: ByteClasses,
    /// Of those that another recording counts.
    pub left_out: ByteClasses,
}

/// What some processes did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    /// On how many machines.
    pub hosts: usize,
    /// How many they are; one that is in several recordings counts once.
    pub processes: usize,
    /// Their bytes.
    pub bytes: ByteClasses,
    /// Lost bytes by second: of each machine those of its own recorded time, added up. `None` where a
    /// machine that lost some has no time.
    pub lost_per_second: Option<f64>,
}

/// Processes that are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// What they are called; empty where that is not known. Untrusted.
    pub name: String,
    /// What they did.
    pub sum: Sum,
    /// Their part of all lost bytes; `None` where nothing was lost.
    pub share: Option<f64>,
}

impl Sum {
    /// All bytes that were written; those in pipes count when they leave them.
    #[must_use]
    pub fn egress(&self) -> u64 {
        egress(&self.bytes)
    }

    /// As in [`Audit::hit_rate`].
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        hit_rate(&self.bytes)
    }
}

/// What a process is part of, by its executable: the name of its service. Untrusted; empty where nothing
/// is known of it.
#[must_use]
pub fn service_name(facts: &ProcessFacts) -> String {
    key(facts, MatchBy::Exe).swap_remove(0)
}

/// A process of a recording.
#[derive(Clone, Copy)]
struct Member<'a> {
    recording: usize,
    host: usize,
    process: &'a ProcessAudit,
}

/// Makes one of many; the audits have their findings.
#[must_use]
pub fn merge(audits: &[&Audit], by: MatchBy) -> Fleet {
    let pool = pool(audits);
    let members = members(audits, &pool);
    let counted: Vec<Member<'_>> = members
        .iter()
        .filter(|member| pool.counts(member.recording, member.process.id))
        .copied()
        .collect();
    let total = sum(&counted, &pool);
    let hosts = (0..pool.hosts.len()).map(|host| {
        let own = counted.iter().filter(|member| member.host == host);
        sum(&own.copied().collect::<Vec<_>>(), &pool)
    });
    let named = services::named(&counted, by);
    let findings = findings::findings(audits, &named, &pool);
    let dearest = findings.iter();
    let dearest = dearest.map(|finding| (&finding.first, finding.bytes.value));
    let processes = counted.iter().map(|member| member.process);
    Fleet {
        by,
        savings: savings_of(processes, total.bytes.lost, dearest),
        recordings: recordings(&members, &pool, audits.len()),
        hosts: hosts.collect(),
        services: services::services(&named, &pool, total.bytes.lost),
        findings,
        loss: loss::loss(audits),
        total,
        pool,
    }
}

fn members<'a>(audits: &[&'a Audit], pool: &Pool) -> Vec<Member<'a>> {
    let mut members = Vec::new();
    for (host, pooled) in pool.hosts.iter().enumerate() {
        for &recording in &pooled.recordings {
            let processes = audits[recording].processes.iter();
            members.extend(processes.map(|process| Member {
                recording,
                host,
                process,
            }));
        }
    }
    members
}

fn recordings(members: &[Member<'_>], pool: &Pool, count: usize) -> Vec<RecordingSum> {
    let mut sums = vec![RecordingSum::default(); count];
    for member in members {
        let sum = &mut sums[member.recording];
        let bytes = if pool.counts(member.recording, member.process.id) {
            &mut sum.bytes
        } else {
            &mut sum.left_out
        };
        bytes.add(&member.process.bytes);
    }
    sums
}

/// What some processes did; without any there are no bytes, and none a second.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate; 53 bits of it are plenty"
)]
fn sum(members: &[Member<'_>], pool: &Pool) -> Sum {
    let mut sum = Sum::default();
    let mut processes: BTreeSet<(usize, ProcessId)> = BTreeSet::new();
    let mut lost = vec![0_u64; pool.hosts.len()];
    let mut hosts = BTreeSet::new();
    for member in members {
        sum.bytes.add(&member.process.bytes);
        processes.insert((member.host, member.process.id));
        hosts.insert(member.host);
        lost[member.host] = lost[member.host].saturating_add(member.process.bytes.lost);
    }
    sum.hosts = hosts.len();
    sum.processes = processes.len();
    let losers = lost.iter().zip(&pool.hosts);
    let mut losers = losers.filter(|(lost, _)| **lost > 0);
    sum.lost_per_second = losers.try_fold(0.0, |sum, (lost, host)| {
        let seconds = host.recorded.as_secs_f64();
        (seconds > 0.0).then(|| sum + *lost as f64 / seconds)
    });
    sum
}
