//! The table of processes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line as Text, Span};

use super::{cell, per_second, put, sparkline};
use crate::live::state::Line;
use crate::live::{Colors, Column, Row, State};
use crate::report;

/// Draws the head and as many lines as there is room for.
pub(super) fn draw(state: &mut State, colors: Colors, area: Rect, buffer: &mut Buffer) {
    let columns = Column::fit(usize::from(area.width));
    put(buffer, area, 0, head(state, colors, &columns));
    let room = usize::from(area.height.saturating_sub(1));
    let lines = state.lines();
    let first = first(state, &lines, room);
    if lines.is_empty() {
        put(buffer, area, 1, Text::styled(empty(state), colors.dim()));
    }
    for (index, line) in lines.iter().skip(first).take(room).enumerate() {
        let row = u16::try_from(index + 1).unwrap_or(u16::MAX);
        put(buffer, area, row, of_line(state, colors, &columns, line));
    }
    state.first = first;
}

const fn empty(state: &State) -> &'static str {
    if state.filter.is_empty() {
        "nothing was written yet"
    } else {
        "no process matches the filter"
    }
}

/// The first line on the screen: as it was, unless the selected one would not be seen.
fn first(state: &State, lines: &[Line<'_>], room: usize) -> usize {
    let most = lines.len().saturating_sub(room);
    let first = state.first.min(most);
    let selected = state.selected().and_then(|selected| {
        lines
            .iter()
            .position(|line| matches!(line, Line::Process(id, _) if *id == selected))
    });
    match selected {
        Some(at) if at < first => at,
        Some(at) if at >= first + room => (at + 1).saturating_sub(room),
        _ => first,
    }
}

fn head(state: &State, colors: Colors, columns: &[(Column, usize)]) -> Text<'static> {
    let names = columns.iter().map(|(column, width)| {
        let mark = match (*column == state.sort, state.reversed) {
            (true, false) => "▾",
            (true, true) => "▴",
            (false, _) => "",
        };
        let name = format!("{}{mark}", column.name());
        cell(&name, *width, column.is_left(), colors.head())
    });
    spaced(names, colors.head())
}

/// Cells with a space between them.
fn spaced(cells: impl Iterator<Item = Span<'static>>, style: Style) -> Text<'static> {
    let mut spans = Vec::new();
    for cell in cells {
        if !spans.is_empty() {
            spans.push(Span::styled(" ", style));
        }
        spans.push(cell);
    }
    Text::from(spans)
}

fn of_line(
    state: &State,
    colors: Colors,
    columns: &[(Column, usize)],
    line: &Line<'_>,
) -> Text<'static> {
    let (row, style) = match line {
        Line::Group(_, row) => (&**row, Style::new().add_modifier(Modifier::BOLD)),
        Line::Process(id, row) if state.selected() == Some(*id) => (*row, colors.selected()),
        Line::Process(_, row) => (*row, Style::new()),
    };
    let cells = columns.iter().map(|(column, width)| {
        let (text, own) = of_cell(state, colors, *column, line, row);
        cell(&text, *width, column.is_left(), style.patch(own))
    });
    spaced(cells, style)
}

fn of_cell(
    state: &State,
    colors: Colors,
    column: Column,
    line: &Line<'_>,
    row: &Row,
) -> (String, Style) {
    let rate = |bytes: u64| state.units.rate(per_second(bytes, state.seconds));
    let plain = |text: String| (text, Style::new());
    match column {
        Column::Pid => plain(match line {
            Line::Process(id, _) => id.pid.to_string(),
            Line::Group(..) => String::new(),
        }),
        Column::Command => plain(name(state, line, row)),
        Column::HitRate => plain(report::hit_rate(row.hit_rate())),
        Column::History => (
            sparkline(row.history.iter().copied(), Column::History.width()),
            colors.good(),
        ),
        Column::ZeroCopy => (
            rate(row.bytes.zero_copy),
            style_of(row.bytes.zero_copy, colors.good()),
        ),
        Column::Lost => (rate(row.bytes.lost), style_of(row.bytes.lost, colors.bad())),
        Column::Mapped => plain(rate(row.bytes.mapped)),
        Column::Transformed => plain(rate(row.bytes.transformed)),
        Column::Generated => plain(rate(row.bytes.generated)),
        Column::CpuTax => plain(
            row.tax
                .map_or_else(|| "-".to_owned(), |tax| format!("{:.1}%", 100.0 * tax)),
        ),
        Column::Group => match line {
            Line::Process(..) if !state.tree => (report::escape(&row.group()), colors.dim()),
            _ => plain(String::new()),
        },
    }
}

/// What is not there has no colour.
fn style_of(bytes: u64, style: Style) -> Style {
    if bytes > 0 { style } else { Style::new() }
}

fn name(state: &State, line: &Line<'_>, row: &Row) -> String {
    match line {
        Line::Group(name, _) => report::escape(name),
        Line::Process(..) => {
            let indent = if state.tree { "  " } else { "" };
            let exited = if row.facts.exited { "*" } else { "" };
            let comm = match row.facts.comm.as_str() {
                "" => "unknown",
                comm => comm,
            };
            format!("{indent}{}{exited}", report::escape(comm))
        }
    }
}
