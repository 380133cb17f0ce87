//! Which recordings are of the same machine, and what they both have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::model::{Audit, ProcessId};

/// How far apart the moments of one boot may seem: the clock of the wall is set now and then.
const SAME_BOOT: Duration = Duration::from_secs(10);

/// The first processes begin before there is a clock to tell their machines apart by.
const FIRST_PROCESSES: u32 = 2;

/// A machine, and the recordings of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// Its name, untrusted; `None` where its recordings do not tell.
    pub name: Option<String>,
    /// The places of its recordings.
    pub recordings: Vec<usize>,
    /// How much time they have together; what two of them have counts once.
    pub recorded: Duration,
}

impl Host {
    /// Whether a recording of the one is like one of the other, and nothing says that they are two.
    fn is_same_machine(&self, other: &Self, seen: &[Seen<'_>]) -> bool {
        let pairs = || {
            let own = self.recordings.iter();
            own.flat_map(|&own| other.recordings.iter().map(move |&other| (own, other)))
        };
        pairs().any(|(own, other)| seen[own].is_like(&seen[other]))
            && pairs().all(|(own, other)| seen[own].may_be(&seen[other]))
    }

    fn join(&mut self, other: Self) {
        self.name = self.name.take().or(other.name);
        self.recordings.extend(other.recordings);
        self.recordings.sort_unstable();
    }
}

/// Processes of a recording that are counted from another one, whose time overlaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Which processes.
    pub processes: BTreeSet<ProcessId>,
    /// The places of the recordings that they are counted from.
    pub counted_from: BTreeSet<usize>,
}

/// Recordings by machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pool {
    /// The machines, in the order of their first recordings.
    pub hosts: Vec<Host>,
    /// What is left out of recordings, by their places.
    pub overlaps: BTreeMap<usize, Overlap>,
}

impl Pool {
    /// The place of a recording's machine; `None` where the recording is in none.
    #[must_use]
    pub fn host_of(&self, recording: usize) -> Option<usize> {
        let mut hosts = self.hosts.iter();
        hosts.position(|host| host.recordings.contains(&recording))
    }

    /// What the machine at a place is called: by its name, with a number where others before it have the
    /// same, or as unnamed, by an `id`.
    #[must_use]
    pub fn label(&self, host: usize, id: &str) -> String {
        let Some(name) = &self.hosts[host].name else {
            return format!("unnamed {id}");
        };
        let before = self.hosts[..host].iter();
        match before
            .filter(|other| other.name.as_ref() == Some(name))
            .count()
        {
            0 => name.clone(),
            others => format!("{name} ({})", others + 1),
        }
    }

    /// Whether a process of a recording counts.
    #[must_use]
    pub fn counts(&self, recording: usize, process: ProcessId) -> bool {
        let overlap = self.overlaps.get(&recording);
        overlap.is_none_or(|overlap| !overlap.processes.contains(&process))
    }
}

/// One recording, as far as it tells of which machine it is.
struct Seen<'a> {
    name: Option<&'a str>,
    boot: SystemTime,
    begin: SystemTime,
    end: SystemTime,
    /// Since boot.
    span: (u64, u64),
    processes: BTreeSet<ProcessId>,
}

/// Puts recordings of the same machine together.
///
/// Those with the same name are of one machine, unless one was still running when the other had booted
/// already. Those without a name are where they have a process in common.
#[must_use]
pub fn pool(audits: &[&Audit]) -> Pool {
    let seen: Vec<Seen<'_>> = audits.iter().map(|audit| Seen::of(audit)).collect();
    let mut hosts: Vec<Host> = Vec::new();
    for (index, this) in seen.iter().enumerate() {
        let name = this.name.map(str::to_owned);
        let mut joined = Host {
            name,
            recordings: vec![index],
            ..Host::default()
        };
        // One may tell of several, which nothing had told of so far, that they are the same.
        let mut place = hosts.len();
        for other in (0..hosts.len()).rev() {
            if joined.is_same_machine(&hosts[other], &seen) {
                joined.join(hosts.remove(other));
                place = other;
            }
        }
        hosts.insert(place, joined);
    }
    let mut overlaps = BTreeMap::new();
    for host in &mut hosts {
        host.recorded = covered(host.recordings.iter().map(|&index| &seen[index]));
        overlaps.extend(overlaps_of(&host.recordings, &seen));
    }
    Pool { hosts, overlaps }
}

/// The longest recording that has a process counts it; so of each process no time counts twice.
fn overlaps_of(recordings: &[usize], seen: &[Seen<'_>]) -> BTreeMap<usize, Overlap> {
    let mut longest_first = recordings.to_vec();
    // Stable: of two that are as long, the first counts.
    longest_first.sort_by_key(|&index| std::cmp::Reverse(seen[index].length()));
    let mut found: BTreeMap<usize, Overlap> = BTreeMap::new();
    for (place, &this) in longest_first.iter().enumerate() {
        for &other in &longest_first[..place] {
            if !seen[this].overlaps(&seen[other]) {
                continue;
            }
            let is_counted = |id: &&ProcessId| {
                let left_out = found.get(&other);
                left_out.is_none_or(|overlap| !overlap.processes.contains(id))
            };
            let both = seen[this].processes.intersection(&seen[other].processes);
            let both: BTreeSet<ProcessId> = both.filter(is_counted).copied().collect();
            if !both.is_empty() {
                let overlap = found.entry(this).or_default();
                overlap.processes.extend(both);
                overlap.counted_from.insert(other);
            }
        }
    }
    found
}

/// The time that some recordings have together.
fn covered<'a>(recordings: impl Iterator<Item = &'a Seen<'a>>) -> Duration {
    let mut spans: Vec<_> = recordings.map(|seen| (seen.begin, seen.end)).collect();
    spans.sort();
    let mut sum = Duration::ZERO;
    let mut until = SystemTime::UNIX_EPOCH;
    for (begin, end) in spans {
        sum += end.duration_since(begin.max(until)).unwrap_or_default();
        until = until.max(end);
    }
    sum
}

impl<'a> Seen<'a> {
    fn of(audit: &'a Audit) -> Self {
        let window = &audit.window;
        let name = audit.host.hostname.as_str();
        // A recording may say anything of its times.
        let later = |time: SystemTime, by| time.checked_add(by).unwrap_or(time);
        let earlier = |time: SystemTime, by| time.checked_sub(by).unwrap_or(time);
        let length = u64::try_from(window.duration.as_nanos()).unwrap_or(u64::MAX);
        let ids = audit.processes.iter().map(|process| process.id);
        Self {
            name: Some(name).filter(|name| !name.is_empty()),
            boot: earlier(window.start, Duration::from_nanos(window.start_ns)),
            begin: window.start,
            end: later(window.start, window.duration),
            span: (window.start_ns, window.start_ns.saturating_add(length)),
            processes: ids.collect(),
        }
    }

    const fn length(&self) -> u64 {
        self.span.1 - self.span.0
    }

    /// Whether there is a sign that both are of one machine.
    fn is_like(&self, other: &Self) -> bool {
        match (self.name, other.name) {
            (Some(name), Some(others)) => name == others,
            _ => self.is_same(other) || (self.boots_with(other) && self.shares_a_process(other)),
        }
    }

    /// Whether both begin at the same nanosecond of the same boot: it is the same recording twice.
    fn is_same(&self, other: &Self) -> bool {
        (self.begin, self.span.0) == (other.begin, other.span.0)
    }

    /// Whether nothing says that they are of two.
    fn may_be(&self, other: &Self) -> bool {
        let is_named_alike = self.name.is_none() || other.name.is_none() || self.name == other.name;
        let in_turn = |earlier: &Self, later: &Self| later.boot >= earlier.end;
        let is_same_boot = self.is_same_boot(other);
        is_named_alike && (is_same_boot || in_turn(self, other) || in_turn(other, self))
    }

    /// A process is told by nanoseconds, so that one that both have says more than the clock of the wall.
    fn is_same_boot(&self, other: &Self) -> bool {
        self.boots_with(other) || (self.name.is_some() && self.shares_a_process(other))
    }

    fn boots_with(&self, other: &Self) -> bool {
        let apart = self.boot.duration_since(other.boot);
        apart.unwrap_or_else(|error| error.duration()) <= SAME_BOOT
    }

    fn shares_a_process(&self, other: &Self) -> bool {
        let mut both = self.processes.intersection(&other.processes);
        both.any(|id| id.pid > FIRST_PROCESSES)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (begin, end) = self.span;
        let (others_begin, others_end) = other.span;
        let touch = begin == others_begin || (begin < others_end && others_begin < end);
        touch && self.is_same_boot(other)
    }
}
