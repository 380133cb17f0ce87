//! The figures as Markdown, which reads well in a terminal too.

use std::fmt::Write;

use crate::measure::Figures;
use crate::watchers::Configuration;
use crate::workload::Workload;

/// All tables.
pub(crate) fn render(figures: &Figures) -> String {
    let small = |workload: &Workload| !workload.is_realistic();
    let realistic = |workload: &Workload| workload.is_realistic();
    let mut text = String::from("Nanoseconds per call, best (median):\n\n");
    text += &table(small, |row, column| {
        let timing = figures.of(row, column)?;
        Some(format!("{:.0} ({:.0})", timing.best, timing.median))
    });
    text += "\nAdded nanoseconds per call (times the floor's, times bpftrace's):\n\n";
    text += &table(small, |row, column| added(figures, row, column));
    text += "\nNanoseconds per relay of 16 KiB, best (median), and what is added:\n\n";
    text += &table(realistic, |row, column| {
        let timing = figures.of(row, column)?;
        let without = figures.of(Configuration::Nothing, column)?;
        let share = (timing.best / without.best - 1.0) * 100.0;
        Some(format!(
            "{:.0} ({:.0}), {share:+.0}%",
            timing.best, timing.median
        ))
    });
    text
}

fn added(figures: &Figures, row: Configuration, column: Workload) -> Option<String> {
    if row == Configuration::Nothing {
        return None;
    }
    let ratio = |to| {
        figures
            .ratio(row, to, column)
            .map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
    };
    Some(format!(
        "{:.0} ({}, {})",
        figures.added(row, column)?,
        ratio(Configuration::Floor),
        ratio(Configuration::Bpftrace),
    ))
}

/// One row for each configuration that has a cell, one column for each workload that is `wanted`.
fn table(
    wanted: impl Fn(&Workload) -> bool,
    cell: impl Fn(Configuration, Workload) -> Option<String>,
) -> String {
    let columns: Vec<Workload> = Workload::ALL.into_iter().filter(wanted).collect();
    let mut rows = vec![vec!["attached".to_owned()]];
    rows[0].extend(columns.iter().map(|column| column.title().to_owned()));
    for configuration in Configuration::ALL {
        let cells: Vec<_> = columns.iter().map(|w| cell(configuration, *w)).collect();
        if cells.iter().any(Option::is_some) {
            let mut row = vec![configuration.title().to_owned()];
            row.extend(cells.into_iter().map(Option::unwrap_or_default));
            rows.push(row);
        }
    }
    aligned(&rows)
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text += "|\n";
        if index == 0 {
            text += "| --- ";
            text += &"| ---: ".repeat(columns - 1);
            text += "|\n";
        }
    }
    text
}
