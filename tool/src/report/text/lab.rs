//! What the lab measured, for people.

use std::io;

use crate::analysis::lab::{Cost, Median, cost};
use crate::model::{LabResult, LabSeries};
use crate::report::escape::escape;
use crate::report::text::layout::Page;
use crate::report::units;

/// Columns of each part of a line; all of them and a space between them are less than 80.
const WIDTHS: [usize; 8] = [16, 6, 6, 13, 7, 9, 8, 7];
const HEADER: [&str; 8] = [
    "PATH", "GB/s", "CPU s", "95%", "SYSTEM", "CALLS", "SWITCHES", "FAULTS",
];

/// Writes a table for each transport and size of transfers.
///
/// # Errors
///
/// Those of `out`.
pub fn write_lab(
    out: &mut impl io::Write,
    result: &LabResult,
    width: usize,
    color: bool,
) -> io::Result<()> {
    let page = Page::new(width, color);
    let processor = result.processor.as_deref().unwrap_or("unknown processor");
    let machine = format!(
        "{}, {}, Linux {}; medians of {}. CPU seconds, system calls, context switches and page \
         faults are for 1 GB, of the thread that moves it.",
        escape(processor),
        units::counted(result.host.cpus.into(), "CPU", "CPUs"),
        escape(&result.host.kernel),
        units::counted(runs(result), "run", "runs"),
    );
    writeln!(out, "{}", page.paragraph(&machine))?;
    let is_same = |a: &LabSeries, b: &LabSeries| (a.transport, a.size) == (b.transport, b.size);
    for table in result.series.chunk_by(is_same) {
        let Some(first) = table.first() else { continue };
        let title = format!(
            "{}, transfers of {}",
            transport(first.transport),
            units::bytes(first.size)
        );
        writeln!(out, "\n{}", page.bold(&title))?;
        writeln!(out, "{}", line(&HEADER.map(str::to_owned)))?;
        for series in table {
            if let Some(cost) = cost(series) {
                writeln!(out, "{}", line(&row(series.path, &cost)))?;
            }
        }
    }
    Ok(())
}

fn runs(result: &LabResult) -> u64 {
    let runs = result.series.iter().map(|series| series.runs.len());
    runs.min().unwrap_or(0) as u64
}

fn transport(name: &str) -> &str {
    match name {
        "tcp" => "TCP over loopback",
        "unix" => "unix socket",
        "file" => "file to file",
        other => other,
    }
}

fn row(path: &str, cost: &Cost) -> [String; 8] {
    let share = cost.system_share;
    let share = share.map_or_else(|| "-".to_owned(), |share| format!("{:.0}%", 100.0 * share));
    [
        path.to_owned(),
        number(cost.throughput.value),
        number(cost.cpu.value),
        interval(&cost.cpu),
        share,
        count(cost.calls),
        count(cost.context_switches.value),
        count(cost.page_faults.value),
    ]
}

/// Three digits that matter.
fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

fn interval(median: &Median) -> String {
    median.interval.map_or_else(
        || "-".to_owned(),
        |(low, high)| format!("{} {}", number(low), number(high)),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that is not negative"
)]
fn count(value: f64) -> String {
    units::count(value.round() as u64)
}

/// The first part is aligned to the left, the others to the right.
fn line(parts: &[String; 8]) -> String {
    let mut text = format!("{:<1$}", parts[0], WIDTHS[0]);
    for (part, width) in parts.iter().zip(WIDTHS).skip(1) {
        text += &format!(" {part:>width$}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let width = WIDTHS.iter().sum::<usize>() + WIDTHS.len() - 1;
        assert!(width <= 80, "{width}");
        assert_eq!(line(&HEADER.map(str::to_owned)).len(), width);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.012_34, "0.012"),
            (1.234, "1.23"),
            (12.34, "12.3"),
            (123.4, "123"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
