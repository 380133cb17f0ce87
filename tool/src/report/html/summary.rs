//! The answer in words, and the numbers behind it.

use maud::{Markup, html};

use super::Report;
use super::parts::{Fate, legend};
use crate::analysis::{Savings, savings};
use crate::model::{Audit, Saving};
use crate::report::text::headline::headline;
use crate::report::units;

/// The first part of the page.
pub(super) fn section(report: &Report<'_>) -> Markup {
    let audit = report.audit;
    html! {
        section id="summary" aria-labelledby="h-summary" {
            h2 id="h-summary" { "Summary" }
            p.answer { (answer(&savings(audit))) }
            p { (headline(audit)) }
            (tiles(audit))
            (shares(audit))
        }
    }
}

/// Who lost how much, and what of it can be had back.
fn answer(savings: &Savings) -> String {
    if savings.lost == 0 {
        return "Nothing was lost to copies that the kernel could have spared.".to_owned();
    }
    let lost = format!(
        "{} lost {}",
        units::counted(savings.processes, "process", "processes"),
        units::bytes(savings.lost)
    );
    match savings.share() {
        Some(share) if savings.fixes > 0 => {
            let fixes = units::counted(savings.fixes, "fix recovers", "fixes recover");
            let recovered = format!("{lost}; {fixes} {} of it", units::percent(share));
            match savings.saving {
                Some(Saving { cores, margin, .. }) if cores > margin => {
                    format!("{recovered}, and about {}.", units::cores(cores, margin))
                }
                _ => recovered + ".",
            }
        }
        _ => format!("{lost}; no fix is known for it."),
    }
}

fn tiles(audit: &Audit) -> Markup {
    let bytes = &audit.bytes;
    let tiles = [
        ("hit rate", units::hit_rate(audit.hit_rate)),
        ("zero-copy", units::bytes(bytes.zero_copy)),
        ("lost", units::bytes(bytes.lost)),
        ("written in all", units::bytes(written(audit))),
        ("processes", units::count(audit.processes.len() as u64)),
        ("findings", units::count(audit.findings.len() as u64)),
    ];
    html! {
        dl.tiles {
            @for (name, number) in &tiles {
                div { dt { (name) } dd { (number) } }
            }
        }
    }
}

/// All bytes, those apart that count again when they leave their pipe.
fn written(audit: &Audit) -> u64 {
    let bytes = &audit.bytes;
    bytes.written().saturating_sub(bytes.staged)
}

/// What became of all bytes, as one bar.
#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn shares(audit: &Audit) -> Markup {
    let total = written(audit);
    if total == 0 {
        return html! {};
    }
    let mut at = 0.0;
    let mut parts = Vec::new();
    for fate in Fate::ALL {
        let bytes = fate.bytes(&audit.bytes);
        let width = 100.0 * bytes as f64 / total as f64;
        if bytes > 0 {
            parts.push((fate, bytes, at, width));
        }
        at += width;
    }
    let said: Vec<String> = parts
        .iter()
        .map(|(fate, bytes, _, width)| {
            let share = units::percent(width / 100.0);
            format!("{} {} ({share})", fate.name(), units::bytes(*bytes))
        })
        .collect();
    html! {
        svg.shares role="img" aria-label={ "What became of the bytes: " (said.join(", ")) }
            viewBox="0 0 100 10" preserveAspectRatio="none" {
            @for ((fate, _, x, width), said) in parts.iter().zip(&said) {
                rect class=(fate.css()) x=(format!("{x:.3}")) width=(format!("{width:.3}")) height="10" {
                    title { (said) }
                }
            }
        }
        (legend(parts.iter().map(|(fate, ..)| *fate)))
    }
}
