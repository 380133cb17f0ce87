//! A comparison for people.

use std::io;

use crate::analysis::comparison::{Change, Comparison, GroupChange, Metric, Quality, SiteChange};
use crate::model::Mechanism;
use crate::report::escape::{escape, truncate};
use crate::report::graph::place;
use crate::report::text::layout::Page;
use crate::report::units;

/// Columns of the name of a metric.
const METRIC: usize = 18;
/// Columns of a name of processes, which has their arguments.
const NAME: usize = 60;
/// Sites of a group that are told.
const SITES: usize = 6;

/// Writes the first `top` groups of `comparison`. `base` and `new` say what is compared.
///
/// # Errors
///
/// Those of `out`.
pub fn write_comparison(
    out: &mut impl io::Write,
    comparison: &Comparison,
    (base, new): (&str, &str),
    (width, color): (usize, bool),
    top: usize,
) -> io::Result<()> {
    let page = Page::new(width, color);
    writeln!(out, "{}", page.paragraph(&headline(comparison)))?;
    writeln!(out)?;
    let sides = format!("base: {}; new: {}", escape(base), escape(new));
    writeln!(out, "{}", page.hanging(&sides, 2))?;
    let (shown, hidden) = comparison.groups.split_at(top.min(comparison.groups.len()));
    let total = (comparison.groups.len() > 1).then_some(&comparison.total);
    for group in total.into_iter().chain(shown) {
        writeln!(out)?;
        write_group(out, &page, group)?;
    }
    if !hidden.is_empty() {
        let more = units::counted(hidden.len() as u64, "more", "more");
        writeln!(out, "\n{more}, not shown; --top N shows N")?;
    }
    Ok(())
}

/// What is to be known first.
fn headline(comparison: &Comparison) -> String {
    let worse: Vec<&GroupChange> = comparison
        .groups
        .iter()
        .filter(|group| group.is_worse())
        .collect();
    let total = Some(&comparison.total).filter(|total| total.is_worse());
    let Some(first) = worse.first().copied().or(total) else {
        return "Nothing is worse than before, beyond noise.".to_owned();
    };
    let others = match worse.len().saturating_sub(1) {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let hit_rate = first.change(Metric::HitRate);
    let hit_rate = hit_rate.filter(|change| change.quality() == Some(Quality::Worse));
    let what = hit_rate.map_or_else(String::new, |change| {
        format!(
            ": the hit rate fell from {} to {}",
            units::hit_rate(change.base),
            units::hit_rate(change.new)
        )
    });
    format!("{}{others} got worse{what}.", name(first))
}

fn name(group: &GroupChange) -> String {
    match group.name.as_str() {
        "" => "all processes".to_owned(),
        name => truncate(&escape(name), NAME),
    }
}

fn write_group(out: &mut impl io::Write, page: &Page, group: &GroupChange) -> io::Result<()> {
    let processes = match (group.base_processes, group.new_processes) {
        (0, new) => format!("{}, new", count(new)),
        (base, 0) => format!("{}, gone", count(base)),
        (base, new) if base == new => count(new),
        (base, new) => format!("{}, was {base}", count(new)),
    };
    let title = format!("{} ({processes})", name(group));
    writeln!(out, "{}", page.bold(&page.hanging(&title, 2)))?;
    for change in group.changes.iter().filter(|change| has_something(change)) {
        write_change(out, page, change)?;
    }
    let (told, rest) = group.sites.split_at(SITES.min(group.sites.len()));
    for site in told {
        let line = format!("  {}", site_change(site));
        writeln!(out, "{}", page.hanging(&line, 4))?;
    }
    if !rest.is_empty() {
        writeln!(out, "  and {} more call sites", rest.len())?;
    }
    Ok(())
}

/// Not so where nothing was lost, and nothing is.
fn has_something(change: &Change) -> bool {
    let nothing = match change.metric {
        Metric::LostPerSecond | Metric::LostPerGb => Some(0.0),
        _ => None,
    };
    [change.base, change.new]
        .iter()
        .any(|value| value.is_some() && *value != nothing)
}

fn count(processes: usize) -> String {
    units::counted(processes as u64, "process", "processes")
}

fn write_change(out: &mut impl io::Write, page: &Page, change: &Change) -> io::Result<()> {
    let label = match change.metric {
        Metric::HitRate => "hit rate",
        Metric::LostPerSecond => "lost per second",
        Metric::LostPerGb => "lost per GB sent",
        Metric::CallsPerGb => "calls per GB sent",
        Metric::CpuPerGb => "CPU per GB sent",
    };
    let value = |value| number(change.metric, value);
    let values = format!("{} -> {}", value(change.base), value(change.new));
    let line = format!("  {label:METRIC$}{values:24}  {}", phrase(change));
    let line = page.hanging(line.trim_end(), 4);
    let line = match change.quality() {
        Some(Quality::Worse) => page.bad(&line),
        Some(Quality::Better) => page.good(&line),
        None => line,
    };
    writeln!(out, "{line}")
}

fn number(metric: Metric, value: Option<f64>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    match metric {
        Metric::HitRate => units::hit_rate(Some(value.clamp(0.0, 1.0))),
        Metric::LostPerSecond | Metric::LostPerGb => units::bytes(whole(value)),
        Metric::CallsPerGb => units::count(whole(value)),
        Metric::CpuPerGb => seconds(value),
    }
}

fn seconds(value: f64) -> String {
    if value < 1.0 {
        format!("{:.1} ms", value * 1e3)
    } else {
        format!("{value:.2} s")
    }
}

/// What is said of a change: its word and size, or that there is no evidence of one.
fn phrase(change: &Change) -> String {
    let (Some(difference), Some(base)) = (change.difference(), change.base) else {
        return String::new();
    };
    if difference == 0.0 {
        return "no change".to_owned();
    }
    let Some(margin) = change.margin else {
        return "too few steps to tell".to_owned();
    };
    let Some(direction) = change.evident else {
        return if difference.abs() <= margin {
            format!(
                "no evidence of a change ({})",
                signed(change.metric, difference, margin, base)
            )
        } else {
            "no change that matters".to_owned()
        };
    };
    let word = change.metric.word(direction);
    let size = size(change.metric, difference, margin, base);
    format!("{word} by {size}")
}

fn signed(metric: Metric, difference: f64, margin: f64, base: f64) -> String {
    let sign = if difference < 0.0 { "-" } else { "+" };
    format!("{sign}{}", size(metric, difference, margin, base))
}

/// The size of a change and its margin; as a share of what was there, if it was.
fn size(metric: Metric, difference: f64, margin: f64, base: f64) -> String {
    let difference = difference.abs();
    if metric == Metric::HitRate {
        let (points, margin) = (difference * 100.0, margin * 100.0);
        return format!("{points:.1} ±{margin:.1} points");
    }
    if base > 0.0 && difference / base < 100.0 {
        let percent = |part: f64| match part / base * 100.0 {
            percent if percent < 100.0 => format!("{percent:.1}%"),
            percent => format!("{percent:.0}%"),
        };
        return format!("{} ±{}", percent(difference), percent(margin));
    }
    let value = |value| number(metric, Some(value));
    format!("{} ±{}", value(difference), value(margin))
}

fn site_change(site: &SiteChange) -> String {
    let carrier = &site.carrier;
    let what = if site.is_new { "new" } else { "gone" };
    let how = match carrier.mechanism {
        Mechanism::ReadWrite => "read+write",
        other => other.name(),
    };
    let by = match (&carrier.function, &site.frame) {
        (Some(function), frame) => {
            let place = frame.as_ref().and_then(place);
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            format!(" by {}{place}", escape(function))
        }
        (None, _) => String::new(),
    };
    let (source, sink) = (carrier.source.name(), carrier.sink.name());
    let (bytes, margin) = (
        units::bytes(whole(site.bytes)),
        units::bytes(whole(site.margin)),
    );
    format!("{what}: {how}{by}, {source} -> {sink}, {bytes} ±{margin}")
}

/// Nothing in place of what is no number or less than 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
