//! Recordings of many machines for people.

mod recordings;

use std::io;

use crate::analysis::Savings;
use crate::analysis::fleet::{Fleet, FleetFinding, Service, Sum};
use crate::report::escape::{escape, truncate_middle};
use crate::report::recorded::Recorded;
use crate::report::text::findings::{estimated, write_finding};
use crate::report::text::flows::endpoints;
use crate::report::text::grid::{Grid, size};
use crate::report::text::layout::Page;
use crate::report::units;

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
    cut: truncate_middle,
};

/// Findings shown; JSON has all.
const FINDINGS: usize = 10;
/// Services of a finding that are named.
const SERVICES: usize = 2;
const LONGEST_SERVICE: usize = 40;

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
    for line in recordings::lines(fleet, recordings) {
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
    let who = match losers.len() {
        1 => name(&first.name, LONGEST_SERVICE),
        several => format!("{} services", units::count(several as u64)),
    };
    let mut text = format!(
        "{who} on {} of {all} lost {} to copies that the kernel could have spared.",
        losing.count(),
        units::bytes(total.bytes.lost),
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
    text += &recoverable(&fleet.savings);
    text + &format!(
        " All processes together: hit rate {}.",
        units::hit_rate(total.hit_rate())
    )
}

fn recoverable(savings: &Savings) -> String {
    match savings.share() {
        Some(share) if savings.fixes > 0 => {
            let fixes = units::counted(savings.fixes, "fix recovers", "fixes recover");
            format!(" {fixes} {} of what was lost.", units::percent(share))
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
        match share {
            Some(share) if share > 0.0 => units::percent(share),
            _ => "-".to_owned(),
        },
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
        let told = (how_much(finding), finding.first.saving);
        write_finding(out, page, index + 1, &finding.first, told)?;
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
