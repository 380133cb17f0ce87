//! Recordings of many machines for people.

use std::io;
use std::time::{Duration, SystemTime};

use crate::analysis::diagnosis::egress;
use crate::analysis::fleet::{Fleet, FleetFinding, Service, Sum};
use crate::analysis::{MatchBy, Savings};
use crate::report::escape::{escape, truncate, truncate_middle};
use crate::report::recorded::Recorded;
use crate::report::text::findings::{estimated, write_finding};
use crate::report::text::flows::endpoints;
use crate::report::text::footer;
use crate::report::text::grid::{Grid, size};
use crate::report::text::layout::Page;
use crate::report::{names, units};

const SERVICE: usize = 0;
const EGRESS: usize = 2;
const LOST: usize = 3;
const PER_SECOND: usize = 4;
const SHARE: usize = 6;
const GRID: Grid<7> = Grid {
    header: [
        "SERVICE", "HOSTS", "EGRESS", "LOST", "LOST/S", "HIT RATE", "SHARE",
    ],
    name: SERVICE,
    dispensable: &[EGRESS, PER_SECOND, SHARE],
    if_used: &[],
};

/// Findings shown; JSON has all.
const FINDINGS: usize = 10;
/// Recordings of which something is said, and files that are named for it.
const NOTES: usize = 5;
/// Services of a finding that are named.
const SERVICES: usize = 2;
const LONGEST_SERVICE: usize = 40;
const LONGEST_FILE: usize = 60;

/// Writes the first `top` services of `fleet`, which was made of `recordings`.
///
/// # Errors
///
/// Those of `out`.
pub fn write_fleet(
    out: &mut impl io::Write,
    fleet: &Fleet,
    recordings: &[Recorded<'_>],
    (width, color): (usize, bool),
    top: usize,
) -> io::Result<()> {
    let page = Page::new(width, color);
    writeln!(out, "{}", page.paragraph(&headline(fleet)))?;
    if !fleet.services.is_empty() {
        writeln!(out)?;
        write_services(out, &page, fleet, top)?;
    }
    write_findings(out, &page, &fleet.findings)?;
    writeln!(out)?;
    for line in footer_lines(fleet, recordings) {
        writeln!(out, "{}", page.hanging(&line, 2))?;
    }
    Ok(())
}

/// What is to be known first.
fn headline(fleet: &Fleet) -> String {
    let total = &fleet.total;
    let hosts = |count: usize| units::counted(count as u64, "host", "hosts");
    let all = hosts(fleet.pool.hosts.len());
    if total.egress() == 0 {
        return format!("Nothing was written on {all}.");
    }
    let losers: Vec<&Service> = fleet
        .services
        .iter()
        .filter(|service| service.sum.bytes.lost > 0)
        .collect();
    let Some(first) = losers.first() else {
        return match total.hit_rate() {
            Some(rate) => format!(
                "Nothing was lost on {all} to copies that the kernel could have spared: hit rate {}.",
                units::hit_rate(Some(rate))
            ),
            None => format!(
                "The kernel could have moved none of the {} that {all} wrote: there is no hit rate.",
                units::bytes(total.egress())
            ),
        };
    };
    let losing = fleet.hosts.iter().filter(|host| host.bytes.lost > 0);
    let services = units::counted(losers.len() as u64, "service", "services");
    let mut text = format!(
        "{} on {} of {all} lost {} to copies that the kernel could have spared: hit rate {}.",
        services,
        losing.count(),
        units::bytes(total.bytes.lost),
        units::hit_rate(total.hit_rate()),
    );
    if losers.len() > 1 {
        text += &format!(
            " {} pays most: {} on {}, {} of it.",
            name(&first.name, LONGEST_SERVICE),
            units::bytes(first.sum.bytes.lost),
            hosts(first.sum.hosts),
            first.share.map_or_else(String::new, units::percent),
        );
    }
    text + &recoverable(&fleet.savings)
}

fn recoverable(savings: &Savings) -> String {
    match savings.share() {
        Some(share) if savings.fixes > 0 => {
            let fixes = units::counted(savings.fixes, "fix recovers", "fixes recover");
            format!(" {fixes} {} of it.", units::percent(share))
        }
        _ => " No fix is known for it.".to_owned(),
    }
}

fn name(name: &str, columns: usize) -> String {
    match name {
        "" => "unknown".to_owned(),
        name => truncate_middle(&escape(name), columns),
    }
}

fn write_services(
    out: &mut impl io::Write,
    page: &Page,
    fleet: &Fleet,
    top: usize,
) -> io::Result<()> {
    let services = &fleet.services;
    let (shown, hidden) = services.split_at(top.min(services.len()));
    let mut rows: Vec<[String; 7]> = shown
        .iter()
        .map(|service| {
            row(
                name(&service.name, LONGEST_SERVICE),
                &service.sum,
                service.share,
            )
        })
        .collect();
    if services.len() > 1 {
        let label = format!("all {}", units::count(services.len() as u64));
        let share = (fleet.total.bytes.lost > 0).then_some(1.0);
        rows.push(row(label, &fleet.total, share));
    }
    GRID.write(out, page, &rows, |column, text| match column {
        LOST if text != "-" => page.bad(&text),
        _ => text,
    })?;
    if !hidden.is_empty() {
        let more = units::counted(hidden.len() as u64, "more service", "more services");
        writeln!(out, "{more}, not shown; --top N shows N")?;
    }
    Ok(())
}

fn row(label: String, sum: &Sum, share: Option<f64>) -> [String; 7] {
    [
        label,
        units::count(sum.hosts as u64),
        size(sum.egress()),
        size(sum.bytes.lost),
        rate(sum.lost_per_second),
        units::hit_rate(sum.hit_rate()),
        share.map_or_else(|| "-".to_owned(), units::percent),
    ]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative; larger ones saturate"
)]
fn rate(per_second: Option<f64>) -> String {
    match per_second {
        None => "unknown".to_owned(),
        Some(0.0) => "-".to_owned(),
        Some(rate) => format!("{}/s", units::bytes(rate.round() as u64)),
    }
}

fn write_findings(
    out: &mut impl io::Write,
    page: &Page,
    findings: &[FleetFinding],
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let (shown, hidden) = findings.split_at(findings.len().min(FINDINGS));
    writeln!(out, "\n{}", page.bold("findings"))?;
    for (index, finding) in shown.iter().enumerate() {
        write_finding(out, page, index + 1, &finding.first, how_much(finding))?;
    }
    if !hidden.is_empty() {
        let findings = units::counted(hidden.len() as u64, "more finding", "more findings");
        writeln!(out, "  and {findings}: --format json has all")?;
    }
    Ok(())
}

fn how_much(finding: &FleetFinding) -> String {
    let services = finding.services.iter().take(SERVICES);
    let mut services: Vec<String> = services
        .map(|service| name(service, LONGEST_SERVICE))
        .collect();
    let others = finding.services.len() - services.len();
    if others > 0 {
        services.push(format!("{} more", units::count(others as u64)));
    }
    format!(
        "{} on {}, {} of {}: {}",
        estimated(finding.bytes),
        units::counted(finding.hosts as u64, "host", "hosts"),
        units::counted(finding.processes as u64, "process", "processes"),
        services.join(" and "),
        endpoints(finding.first.source, finding.first.sink),
    )
}

/// What the words mean, what was lost, and of what and when all this was counted.
fn footer_lines(fleet: &Fleet, recordings: &[Recorded<'_>]) -> Vec<String> {
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
            "overlap: {this} and {others} have a time in common: {} counted from {others} alone, \
             and {} of {this} left out",
            units::counted(
                overlap.processes.len() as u64,
                "process that both have is",
                "processes that both have are"
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
    let each = if shortest == longest {
        format!("{} each", length(shortest))
    } else {
        format!("{} to {} each", length(shortest), length(longest))
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
