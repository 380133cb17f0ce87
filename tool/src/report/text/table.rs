//! The table of processes.

use std::io;

use crate::analysis::hit_rate;
use crate::model::{ByteClasses, ProcessAudit};
use crate::report::escape::{truncate, width};
use crate::report::text::command_name;
use crate::report::text::layout::Page;
use crate::report::units;

const GAP: usize = 2;
const COMMAND: usize = 1;
const ZERO_COPY: usize = 3;
const LOST: usize = 4;
const MAPPED: usize = 5;
const TRANSFORMED: usize = 6;
const GENERATED: usize = 7;
const HEADER: [&str; 8] = [
    "PID",
    "COMMAND",
    "HIT RATE",
    "ZERO-COPY",
    "LOST",
    "MAPPED",
    "TRANSFORMED",
    "GENERATED",
];
/// Columns that go where there is no room, the first of them first; before all others those that
/// are empty.
const DISPENSABLE: [usize; 4] = [GENERATED, TRANSFORMED, MAPPED, ZERO_COPY];
/// The command name is cut before a column goes that is not empty, but not below this.
const SHORTEST_COMMAND: usize = 8;
const LONGEST_COMMAND: usize = 24;

type Row = [String; HEADER.len()];

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

    let columns = fit(&rows, page.width);
    let header = line(&HEADER.map(str::to_owned), &columns, |_, text| text);
    writeln!(out, "{}", page.bold(header.trim_end()))?;
    for row in &rows {
        let text = line(row, &columns, |column, text| match column {
            LOST if row[LOST] != "-" => page.bad(&text),
            ZERO_COPY if row[ZERO_COPY] != "-" => page.good(&text),
            _ => text,
        });
        writeln!(out, "{}", text.trim_end())?;
    }
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

/// What is not there is to be seen at a glance.
fn size(bytes: u64) -> String {
    if bytes == 0 {
        return "-".to_owned();
    }
    units::bytes(bytes)
}

/// The columns that fit, with their widths.
fn fit(rows: &[Row], room: usize) -> Vec<(usize, usize)> {
    let is_empty = |column: usize| rows.iter().all(|row| row[column] == "-");
    let mut columns: Vec<(usize, usize)> = HEADER
        .iter()
        .enumerate()
        // Few programs write from mappings.
        .filter(|&(column, _)| column != MAPPED || !is_empty(MAPPED))
        .map(|(column, header)| {
            let cells = rows.iter().map(|row| width(&row[column]));
            (column, cells.fold(header.len(), usize::max))
        })
        .collect();
    let mut dispensable = DISPENSABLE;
    // Stable: among the empty ones, and the others, the order stays.
    dispensable.sort_by_key(|&column| !is_empty(column));
    let mut dispensable = dispensable.into_iter().peekable();
    loop {
        let gaps = GAP * (columns.len() - 1);
        let too_wide =
            (gaps + columns.iter().map(|(_, width)| width).sum::<usize>()).saturating_sub(room);
        let command = &mut columns[COMMAND].1;
        if too_wide == 0 {
            return columns;
        }
        let has_spare = dispensable.peek().is_some_and(|&column| is_empty(column));
        if !has_spare && *command >= SHORTEST_COMMAND + too_wide {
            *command -= too_wide;
            return columns;
        }
        let Some(dropped) = dispensable.next() else {
            *command = SHORTEST_COMMAND;
            return columns;
        };
        columns.retain(|&(column, _)| column != dropped);
    }
}

fn line(row: &Row, columns: &[(usize, usize)], paint: impl Fn(usize, String) -> String) -> String {
    let mut text = String::new();
    for &(column, columns) in columns {
        if column > 0 {
            text += &" ".repeat(GAP);
        }
        let cell = cut(&row[column], columns);
        let padding = " ".repeat(columns.saturating_sub(width(&cell)));
        if column == COMMAND {
            text += &paint(column, cell);
            text += &padding;
        } else {
            text += &padding;
            text += &paint(column, cell);
        }
    }
    text
}

/// Cuts a cell, but keeps the mark of processes that exited.
fn cut(cell: &str, columns: usize) -> String {
    match cell.strip_suffix('*') {
        Some(name) if width(cell) > columns => truncate(name, columns.saturating_sub(1)) + "*",
        _ => truncate(cell, columns),
    }
}
