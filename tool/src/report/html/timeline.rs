//! Hit rate and bytes over time.

use std::fmt::Write as _;
use std::time::Duration;

use maud::{Markup, html};

use super::Report;
use super::page::Part;
use super::parts::{Fate, bytes_cell, legend, wide};
use crate::analysis::hit_rate;
use crate::model::Moment;
use crate::report::units;

/// Units of the drawings, from top to bottom.
const HEIGHT: f64 = 100.0;

/// The part, where there is more than one moment.
pub(super) fn part(report: &Report<'_>) -> Option<Part> {
    let moments = report.moments;
    let is_empty = |moment: &Moment| moment.bytes.written() == 0;
    if moments.len() < 2 || moments.iter().all(is_empty) {
        return None;
    }
    let fates: Vec<Fate> = Fate::ALL
        .into_iter()
        .filter(|fate| moments.iter().any(|moment| fate.bytes(&moment.bytes) > 0))
        .collect();
    let times = times(moments);
    Some(Part {
        id: "timeline".into(),
        title: "Over time".into(),
        body: html! {
            (rates(moments, &times))
            (volumes(moments, &times, &fates))
            (legend(fates.iter().copied()))
            (table(moments, &times, &fates))
        },
    })
}

/// When each moment begins, and at the end when the last one ends; seconds.
fn times(moments: &[Moment]) -> Vec<f64> {
    let mut times = vec![0.0];
    let mut at = 0.0;
    for moment in moments {
        at += moment.length.as_secs_f64();
        times.push(at);
    }
    times
}

fn rates(moments: &[Moment], times: &[f64]) -> Markup {
    let rates: Vec<Option<f64>> = moments
        .iter()
        .map(|moment| hit_rate(&moment.bytes))
        .collect();
    let known = || rates.iter().copied().flatten();
    let lowest = known().fold(f64::INFINITY, f64::min);
    let highest = known().fold(0.0, f64::max);
    let label = if lowest > highest {
        "Hit rate over time: there is none".to_owned()
    } else {
        format!(
            "Hit rate over time, from {} to {}",
            units::percent(lowest),
            units::percent(highest)
        )
    };
    let plot = html! {
        path.line d=(line(&rates, times)) vector-effect="non-scaling-stroke" {}
    };
    plot_of("Hit rate", &label, ("100%", "0%"), times, &plot)
}

/// A step for each moment, a gap where there is no rate.
fn line(rates: &[Option<f64>], times: &[f64]) -> String {
    let mut path = String::new();
    let mut is_drawing = false;
    for (rate, ends) in rates.iter().zip(times.windows(2)) {
        if let Some(rate) = rate {
            let y = HEIGHT * (1.0 - rate);
            let command = if is_drawing { 'L' } else { 'M' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{command}{:.2} {y:.2}H{:.2}", ends[0], ends[1]);
        }
        is_drawing = rate.is_some();
    }
    path
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for a drawing"
)]
fn volumes(moments: &[Moment], times: &[f64], fates: &[Fate]) -> Markup {
    let per_second = |moment: &Moment, fate: Fate| {
        let seconds = moment.length.as_secs_f64().max(1e-9);
        fate.bytes(&moment.bytes) as f64 / seconds
    };
    let all = |moment: &Moment| -> f64 { fates.iter().map(|fate| per_second(moment, *fate)).sum() };
    let highest = moments.iter().map(all).fold(0.0, f64::max).max(1.0);
    let mut base = vec![0.0; moments.len()];
    let mut areas = Vec::new();
    for fate in fates {
        let heights: Vec<f64> = moments
            .iter()
            .map(|moment| per_second(moment, *fate) / highest)
            .collect();
        areas.push((*fate, area(&base, &heights, times)));
        for (base, height) in base.iter_mut().zip(&heights) {
            *base += height;
        }
    }
    let top = format!("{}/s", units::bytes(highest as u64));
    let label = format!("Bytes written per second over time, by class; {top} at most");
    let plot = html! {
        @for (fate, path) in &areas {
            path class=(fate.css()) d=(path) shape-rendering="crispEdges" { title { (fate.name()) } }
        }
    };
    plot_of("Bytes per second", &label, (&top, "0"), times, &plot)
}

/// Steps of these heights that stand on `base`, both shares of the height of the drawing.
fn area(base: &[f64], heights: &[f64], times: &[f64]) -> String {
    let mut path = String::new();
    let y = |share: f64| HEIGHT * (1.0 - share);
    let steps = base.iter().zip(heights).zip(times.windows(2));
    // There and back again. Writing to a string cannot fail.
    for (index, ((base, height), ends)) in steps.clone().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(
            path,
            "{command}{:.2} {:.2}H{:.2}",
            ends[0],
            y(base + height),
            ends[1]
        );
    }
    for ((base, _), ends) in steps.rev() {
        let _ = write!(path, "L{:.2} {:.2}H{:.2}", ends[1], y(*base), ends[0]);
    }
    path.push('Z');
    path
}

/// A drawing with its axes, which are text and keep their size.
fn plot_of(
    title: &str,
    label: &str,
    (top, bottom): (&str, &str),
    times: &[f64],
    plot: &Markup,
) -> Markup {
    let end = times.last().copied().unwrap_or_default().max(1e-9);
    html! {
        figure.plot {
            figcaption { (title) }
            div.y aria-hidden="true" { span { (top) } span { (bottom) } }
            svg role="img" aria-label=(label) viewBox=(format!("0 0 {end:.3} {HEIGHT}"))
                preserveAspectRatio="none" { (plot) }
            div.x aria-hidden="true" {
                @for part in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    span { (moment_of(end * part)) }
                }
            }
        }
    }
}

fn moment_of(seconds: f64) -> String {
    if seconds < 1e-6 {
        return "0 s".to_owned();
    }
    units::duration(Duration::from_secs_f64(seconds))
}

fn table(moments: &[Moment], times: &[f64], fates: &[Fate]) -> Markup {
    let content = html! {
        table {
            caption.hidden { "Bytes by class over time" }
            thead { tr {
                th scope="col" { "from" }
                th.n scope="col" { "hit rate" }
                @for fate in fates { th.n scope="col" { (fate.name()) } }
            } }
            tbody {
                @for (moment, begin) in moments.iter().zip(times) {
                    tr {
                        th scope="row" { (moment_of(*begin)) }
                        td.n { (units::hit_rate(hit_rate(&moment.bytes))) }
                        @for fate in fates { (bytes_cell(fate.bytes(&moment.bytes))) }
                    }
                }
            }
        }
    };
    html! {
        details { summary { "As a table" } (wide("Bytes by class over time", &content)) }
    }
}
