//! Lines over sizes of transfers; bars where there is one size only.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axes::{Axis, precise};
use crate::analysis::lab::Median;
use crate::report::units;

/// The drawing.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 300.0;
/// Where its axes are.
const LEFT: f64 = 40.0;
const RIGHT: f64 = 472.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 276.0;

/// Height of a bar, and what it and the next one take.
const BAR: f64 = 12.0;
const STEP: f64 = 20.0;
/// Where bars begin: behind their names.
const NAMES: f64 = 120.0;
/// Where they end: before their values.
const VALUES: f64 = 425.0;

/// Lines that have a colour of their own; the next ones have those again, dashed.
const COLORS: usize = 8;

/// One path.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// By size of transfers.
    pub(super) points: Vec<(u64, Median)>,
}

/// Lines with their title.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) lines: Vec<Line>,
}

impl Plot {
    pub(super) fn draw(&self) -> Markup {
        let mut sizes: Vec<u64> = self.points().map(|(size, _)| *size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        html! {
            figure.chart {
                figcaption { (self.title) }
                @if sizes.len() > 1 { (self.curves(&sizes)) } @else { (self.bars()) }
            }
        }
    }

    fn points(&self) -> impl Iterator<Item = &(u64, Median)> {
        self.lines.iter().flat_map(|line| &line.points)
    }

    fn label(&self) -> String {
        let names: Vec<&str> = self.lines.iter().map(|line| line.name).collect();
        format!("{} by size of transfers: {}", self.title, names.join(", "))
    }

    fn curves(&self, sizes: &[u64]) -> Markup {
        let values = self.points().map(|(_, median)| median.value);
        let y = Axis::of(values, (BOTTOM, TOP));
        let (Some(x), Some(y)) = (Axis::of_sizes(sizes, (LEFT + 8.0, RIGHT - 8.0)), y) else {
            return html! {};
        };
        let every = sizes.len().div_ceil(6);
        html! {
            svg role="img" aria-label=(self.label()) viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) {
                @for mark in y.marks() {
                    @let place = format!("{:.1}", y.place(mark));
                    line.grid x1=(LEFT) x2=(RIGHT) y1=(place) y2=(place) {}
                    text x=(LEFT - 6.0) y=(format!("{:.1}", y.place(mark) + 3.5)) text-anchor="end" { (number(mark)) }
                }
                @for size in sizes.iter().step_by(every) {
                    text x=(format!("{:.1}", x.place(precise(*size)))) y=(BOTTOM + 16.0) text-anchor="middle" {
                        (short(*size))
                    }
                }
                @for (index, line) in self.lines.iter().enumerate() {
                    g class=(class(index)) {
                        title { (line.name) }
                        path d=(path(line, x, y)) {}
                        @for (size, median) in &line.points { (point(*size, median, x, y)) }
                    }
                }
            }
        }
    }

    fn bars(&self) -> Markup {
        let bars = self
            .lines
            .iter()
            .filter_map(|line| Some((line.name, line.points.first()?.1)));
        let bars: Vec<(&str, Median)> = bars.collect();
        let most = bars
            .iter()
            .map(|(_, median)| median.value)
            .fold(f64::MIN_POSITIVE, f64::max);
        let width = |value: f64| (VALUES - NAMES) * (value / most).clamp(0.0, 1.0);
        let height = STEP * precise(bars.len() as u64);
        html! {
            svg role="img" aria-label=(self.label()) viewBox=(format!("0 0 {WIDTH} {height}")) {
                @for (index, (name, median)) in bars.iter().enumerate() {
                    @let top = STEP * precise(index as u64);
                    @let middle = format!("{:.1}", top + BAR - 2.0);
                    g class=(class(index)) {
                        title { (name) }
                        text x=(NAMES - 6.0) y=(middle) text-anchor="end" { (name) }
                        rect x=(NAMES) y=(top) height=(BAR) width=(format!("{:.1}", width(median.value))) {}
                        text x=(format!("{:.1}", NAMES + width(median.value) + 5.0)) y=(middle) { (number(median.value)) }
                    }
                }
            }
        }
    }
}

/// What the lines of both plots are called.
pub(super) fn legend(lines: &[Line]) -> Markup {
    html! {
        ul.legend aria-label="Lines" {
            @for (index, line) in lines.iter().enumerate() {
                li {
                    svg.key viewBox="0 0 24 10" aria-hidden="true" {
                        g class=(class(index)) { path d="M0 5H24" {} }
                    }
                    (line.name)
                }
            }
        }
    }
}

fn class(index: usize) -> String {
    let color = index % COLORS;
    if index < COLORS {
        format!("l{color}")
    } else {
        format!("l{color} dashed")
    }
}

fn path(line: &Line, x: Axis, y: Axis) -> String {
    let mut path = String::new();
    for (index, (size, median)) in line.points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let (x, y) = (x.place(precise(*size)), y.place(median.value));
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
    path
}

/// Its interval, and what it is in words.
fn point(size: u64, median: &Median, x: Axis, y: Axis) -> Markup {
    let (x, value) = (
        format!("{:.1}", x.place(precise(size))),
        y.place(median.value),
    );
    html! {
        @if let Some((low, high)) = median.interval {
            line x1=(x) x2=(x) y1=(format!("{:.1}", y.place(low))) y2=(format!("{:.1}", y.place(high))) {}
        }
        circle cx=(x) cy=(format!("{value:.1}")) r="2.5" {
            title { (units::bytes(size)) ": " (number(median.value)) }
        }
    }
}

/// A size, as options take it.
fn short(size: u64) -> String {
    match size {
        size if size >= 1 << 30 && size.is_multiple_of(1 << 30) => format!("{}g", size >> 30),
        size if size >= 1 << 20 && size.is_multiple_of(1 << 20) => format!("{}m", size >> 20),
        size if size >= 1 << 10 && size.is_multiple_of(1 << 10) => format!("{}k", size >> 10),
        size => size.to_string(),
    }
}

/// Two digits that matter.
pub(super) fn number(value: f64) -> String {
    match value {
        value if value >= 10.0 => format!("{value:.0}"),
        value if value >= 1.0 => trimmed(format!("{value:.1}")),
        value if value >= 0.1 => trimmed(format!("{value:.2}")),
        value => trimmed(format!("{value:.3}")),
    }
}

/// Without zeros at the end.
fn trimmed(number: String) -> String {
    let short = number.trim_end_matches('0').trim_end_matches('.');
    if short.is_empty() {
        number
    } else {
        short.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_short() {
        for (value, text) in [
            (12.3, "12"),
            (2.0, "2"),
            (0.25, "0.25"),
            (0.1, "0.1"),
            (0.0123, "0.012"),
        ] {
            assert_eq!(number(value), text);
        }
        for (size, text) in [(512, "512"), (4096, "4k"), (1 << 20, "1m"), (4 << 30, "4g")] {
            assert_eq!(short(size), text);
        }
    }
}
