//! What is known of the recordings of a fleet, and what is not.

use std::time::{Duration, SystemTime};

use crate::analysis::MatchBy;
use crate::analysis::diagnosis::egress;
use crate::analysis::fleet::Fleet;
use crate::report::escape::{escape, truncate};
use crate::report::recorded::Recorded;
use crate::report::text::footer;
use crate::report::{names, units};

/// Recordings of which something is said, and files that are named for it.
const NOTES: usize = 5;
const LONGEST_FILE: usize = 60;

/// What the words mean, what was lost, and of what and when all this was counted.
pub(super) fn lines(fleet: &Fleet, recordings: &[Recorded<'_>]) -> Vec<String> {
    let service = match fleet.by {
        MatchBy::Program => "processes of one executable, arguments and runtime",
        MatchBy::Comm => "processes of one command name",
        MatchBy::Exe => "processes of one executable",
        MatchBy::Cgroup => "processes of one cgroup",
        MatchBy::Container => "processes of one container",
    };
    let mut lines = vec![
        format!("service: {service}; --by has others"),
        "egress: all bytes that were written".to_owned(),
        "lost: read, then written unmodified, though the kernel has a path".to_owned(),
        "lost/s: of each host by its own recorded time, added up".to_owned(),
        "hit rate: zero-copy / (zero-copy + lost)".to_owned(),
        "share: of all that was lost".to_owned(),
        String::new(),
    ];
    if fleet.total.bytes.unknown > 0 {
        let unknown = units::bytes(fleet.total.bytes.unknown);
        lines.push(format!(
            "unknown: {unknown} written could not be looked at (neither hit nor lost)"
        ));
    }
    lines.extend(loss(fleet, recordings.len()));
    lines.extend(overlaps(fleet, recordings));
    lines.extend(flawed(recordings));
    lines.extend(nameless(fleet));
    lines.push(windows(fleet, recordings));
    lines
}

fn loss(fleet: &Fleet, recordings: usize) -> Vec<String> {
    let mut lines = footer::counted(&fleet.loss.known);
    let counters = fleet.loss.known.counters();
    for ((name, _), unknown) in counters.iter().zip(fleet.loss.unknown_in) {
        if unknown > 0 {
            lines.push(format!(
                "loss: {name} cannot be known in {unknown} of {}",
                units::counted(recordings as u64, "recording", "recordings")
            ));
        }
    }
    if lines.is_empty() {
        lines.push("loss: none".to_owned());
    }
    lines
}

/// A line for each recording of which something is counted from others.
fn overlaps(fleet: &Fleet, recordings: &[Recorded<'_>]) -> Vec<String> {
    let overlaps = fleet.pool.overlaps.iter();
    let lines = overlaps.map(|(&recording, overlap)| {
        let others = overlap.counted_from.iter();
        let others = others.map(|&other| file(&recordings[other]));
        let this = file(&recordings[recording]);
        let others = some(others.collect());
        format!(
            "overlap: {this} and {others} have a time in common: {} from {others} alone; {} of {this} \
             is left out",
            units::counted(
                overlap.processes.len() as u64,
                "process that both have counts",
                "processes that both have count"
            ),
            units::bytes(egress(&fleet.recordings[recording].left_out)),
        )
    });
    few(lines.collect(), "overlap")
}

/// What is wrong with the recordings.
fn flawed(recordings: &[Recorded<'_>]) -> Vec<String> {
    let damaged = recordings.iter().filter_map(|recorded| {
        let damage = recorded.damage?;
        Some(format!(
            "damaged: {}; this is what is left of it, in which numbers may be wrong",
            escape(damage)
        ))
    });
    let mut lines = few(damaged.collect(), "damaged");
    let incomplete = recordings.iter();
    let incomplete = incomplete
        .filter(|recorded| recorded.audit.is_incomplete && recorded.damage.is_none())
        .map(file);
    let incomplete: Vec<String> = incomplete.collect();
    if !incomplete.is_empty() {
        lines.push(format!(
            "incomplete: {} cut short, or still being recorded: {}",
            units::counted(incomplete.len() as u64, "recording was", "recordings were"),
            some(incomplete)
        ));
    }
    lines
}

fn nameless(fleet: &Fleet) -> Option<String> {
    let nameless = fleet.pool.hosts.iter().filter(|host| host.name.is_none());
    let nameless = nameless.count();
    (nameless > 0).then(|| {
        let hosts = units::counted(nameless as u64, "host has", "hosts have");
        format!(
            "{hosts} no name, as in redacted recordings: such recordings are of one host where \
             they have a process in common"
        )
    })
}

fn windows(fleet: &Fleet, recordings: &[Recorded<'_>]) -> String {
    let windows = || recordings.iter().map(|recorded| &recorded.audit.window);
    let begin = windows().map(|window| window.start).min();
    let end = windows().filter_map(|window| window.start.checked_add(window.duration));
    let lengths = || fleet.pool.hosts.iter().map(|host| host.recorded);
    let (shortest, longest) = (lengths().min(), lengths().max());
    let length = |length: Option<Duration>| units::duration(length.unwrap_or_default());
    let time = |time: Option<SystemTime>| names::rfc3339(time.unwrap_or(SystemTime::UNIX_EPOCH));
    let each = match fleet.pool.hosts.len() {
        1 => length(longest),
        _ if shortest == longest => format!("{} each", length(longest)),
        _ => format!("{} to {} each", length(shortest), length(longest)),
    };
    format!(
        "recordings: {} of {}, {each}, from {} to {}",
        units::count(recordings.len() as u64),
        units::counted(fleet.pool.hosts.len() as u64, "host", "hosts"),
        time(begin),
        time(end.max()),
    )
}

fn file(recorded: &Recorded<'_>) -> String {
    truncate(&escape(recorded.file), LONGEST_FILE)
}

/// The first few, and how many more.
fn some(mut items: Vec<String>) -> String {
    let others = items.len().saturating_sub(NOTES);
    items.truncate(NOTES);
    if others > 0 {
        items.push(format!("{others} more"));
    }
    items.join(", ")
}

/// The first few lines, and how many more there are.
fn few(mut lines: Vec<String>, what: &str) -> Vec<String> {
    let others = lines.len().saturating_sub(NOTES);
    lines.truncate(NOTES);
    if others > 0 {
        lines.push(format!("{what}: {others} more; --format json has all"));
    }
    lines
}
