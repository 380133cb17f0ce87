//! The table of processes.

use std::io;

use crate::analysis::hit_rate;
use crate::model::{ByteClasses, ProcessAudit};
use crate::report::escape::{truncate, width};
use crate::report::text::command_name;
use crate::report::text::grid::{Grid, size};
use crate::report::text::layout::Page;
use crate::report::units;

const COMMAND: usize = 1;
const ZERO_COPY: usize = 3;
const LOST: usize = 4;
const MAPPED: usize = 5;
const TRANSFORMED: usize = 6;
const GENERATED: usize = 7;
const GRID: Grid<8> = Grid {
    header: [
        "PID",
        "COMMAND",
        "HIT RATE",
        "ZERO-COPY",
        "LOST",
        "MAPPED",
        "TRANSFORMED",
        "GENERATED",
    ],
    name: COMMAND,
    dispensable: &[GENERATED, TRANSFORMED, MAPPED, ZERO_COPY],
    // Few programs write from mappings.
    if_used: &[MAPPED],
    cut,
};
const LONGEST_COMMAND: usize = 24;

type Row = [String; GRID.header.len()];

/// Writes a row for each process in `shown`, one for the sums of `hidden` and one for `totals`,
/// where there is more than one process.
pub(super) fn write(
    out: &mut impl io::Write,
    page: &Page,
    shown: &[&ProcessAudit],
    hidden: &[&ProcessAudit],
    totals: &ByteClasses,
) -> io::Result<()> {
    let mut rows: Vec<Row> = shown.iter().map(|process| process_row(process)).collect();
    if !hidden.is_empty() {
        let mut sums = ByteClasses::default();
        for process in hidden {
            sums.add(&process.bytes);
        }
        rows.push(sum_row(&format!("{} more", hidden.len()), &sums));
    }
    let processes = shown.len() + hidden.len();
    if processes > 1 && !shown.is_empty() {
        rows.push(sum_row(&format!("all {processes}"), totals));
    }

    GRID.write(out, page, &rows, |column, text| match column {
        LOST if text != "-" => page.bad(&text),
        ZERO_COPY if text != "-" => page.good(&text),
        _ => text,
    })?;
    if shown.iter().any(|process| process.facts.exited) {
        writeln!(out, "* exited before the end")?;
    }
    Ok(())
}

fn process_row(process: &ProcessAudit) -> Row {
    let mut command = command_name(process, LONGEST_COMMAND);
    if process.facts.exited {
        command.push('*');
    }
    row(
        process.id.pid.to_string(),
        command,
        process.hit_rate,
        &process.bytes,
    )
}

fn sum_row(label: &str, bytes: &ByteClasses) -> Row {
    row(String::new(), label.to_owned(), hit_rate(bytes), bytes)
}

fn row(pid: String, command: String, rate: Option<f64>, bytes: &ByteClasses) -> Row {
    [
        pid,
        command,
        units::hit_rate(rate),
        size(bytes.zero_copy),
        size(bytes.lost),
        size(bytes.mapped),
        size(bytes.transformed),
        size(bytes.generated),
    ]
}

/// Cuts a cell, but keeps the mark of processes that exited.
fn cut(cell: &str, columns: usize) -> String {
    match cell.strip_suffix('*') {
        Some(name) if width(cell) > columns => truncate(name, columns.saturating_sub(1)) + "*",
        _ => truncate(cell, columns),
    }
}
