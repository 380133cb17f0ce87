//! Draws the state.

mod detail;
mod help;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::{Colors, Column, Mode, State};
use crate::analysis::hit_rate;
use crate::report;

/// The row of the head of the table.
pub const HEAD: u16 = 2;

/// Processes that are printed at once.
const MOST_LINES: u16 = 10_000;

/// Draws all of it; scrolls so that what is selected can be seen.
pub fn draw(state: &mut State, colors: Colors, area: Rect, buffer: &mut Buffer) {
    if area.width == 0 || area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    put(buffer, area, 0, summary(state, colors, width));
    put(buffer, area, 1, status(state, colors));
    let last = area.height.saturating_sub(1);
    let body = Rect {
        y: area.y + HEAD.min(last),
        height: last.saturating_sub(HEAD),
        ..area
    };
    match state.mode {
        Mode::Table | Mode::Filter => table::draw(state, colors, body, buffer),
        Mode::Detail => detail::draw(state, colors, body, buffer),
        Mode::Help => help::draw(colors, body, buffer),
    }
    if area.height > HEAD + 2 {
        put(buffer, area, last, keys(state, colors));
    }
}

/// All lines as text, for `top -b`, as wide as told.
#[must_use]
pub fn text(state: &mut State, width: u16) -> String {
    let lines = state.lines().len().max(1);
    let height = u16::try_from(lines).unwrap_or(u16::MAX).min(MOST_LINES) + HEAD + 2;
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(state, Colors::None, area, &mut buffer);
    let mut text = String::new();
    // Without the keys.
    for row in 0..height - 1 {
        let cells = (0..width).map(|column| buffer[(column, row)].symbol());
        let line: String = cells.collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The column that is drawn at a place of a screen so wide.
#[must_use]
pub fn column_at(at: usize, width: usize) -> Option<Column> {
    let mut end = 0;
    let mut columns = Column::fit(width).into_iter();
    columns
        .find(|(_, width)| {
            end += width + 1;
            at < end
        })
        .map(|(column, _)| column)
}

/// A line at a row of the area, cut where that ends.
pub(super) fn put(buffer: &mut Buffer, area: Rect, row: u16, line: Line<'_>) {
    if row < area.height {
        let place = Rect {
            y: area.y + row,
            height: 1,
            ..area
        };
        line.render(place, buffer);
    }
}

/// The whole machine: what matters most comes first, since what is too long is cut.
fn summary(state: &State, colors: Colors, width: usize) -> Line<'static> {
    let rate = |bytes: u64| state.units.rate(per_second(bytes, state.seconds));
    let rate_of_all = report::hit_rate(hit_rate(&state.total));
    let mut spans = vec![Span::raw(format!("hit rate {rate_of_all} "))];
    if width >= 60 {
        let history = sparkline(state.history.iter().copied(), 12);
        spans.push(Span::styled(history, colors.good()));
    }
    let lost = format!("  lost {}", rate(state.total.lost));
    spans.push(Span::styled(lost, colors.bad()));
    if width >= 70 {
        spans.push(Span::raw(format!(
            "  zero-copy {}  mapped {}",
            rate(state.total.zero_copy),
            rate(state.total.mapped)
        )));
    }
    if width >= 110 {
        let host = report::truncate(&report::escape(&state.host), 32);
        spans.push(Span::styled(
            format!(
                "  {host}  {}  {}",
                report::duration(state.elapsed),
                report::counted(state.rows.len() as u64, "process", "processes")
            ),
            colors.dim(),
        ));
    }
    Line::from(spans)
}

/// What was said last, the filter, what is unusual.
fn status(state: &State, colors: Colors) -> Line<'static> {
    if let Some(message) = &state.message {
        return Line::from(report::escape(message));
    }
    let mut parts = Vec::new();
    if state.paused {
        parts.push("PAUSED".to_owned());
    }
    if state.mode == Mode::Filter {
        parts.push(format!("filter: {}_", report::escape(&state.filter)));
    } else if !state.filter.is_empty() {
        parts.push(format!("filter: {}", report::escape(&state.filter)));
    }
    parts.push(match state.lost {
        0 => "loss: none".to_owned(),
        lost => format!("loss: {} (audit says of what)", report::count(lost)),
    });
    Line::styled(parts.join("  "), colors.dim())
}

fn keys(state: &State, colors: Colors) -> Line<'static> {
    let keys = match state.mode {
        Mode::Filter => "Enter keeps the filter  Esc clears it",
        Mode::Help => "any key goes back",
        Mode::Detail => "Esc back  Up/Down other process  p pause  u units  w freeze  q quit",
        Mode::Table => {
            "?help  s sort  / filter  Enter detail  t tree  p pause  u units  w freeze  q quit"
        }
    };
    Line::styled(keys, colors.dim())
}

/// Bytes of a step as a rate.
#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub(super) fn per_second(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 / seconds.max(1e-3)
}

/// The last so many hit rates, the newest at the right.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "one of eight bars"
)]
pub(super) fn sparkline(
    history: impl DoubleEndedIterator<Item = Option<f64>>,
    width: usize,
) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bars = history.rev().take(width).map(|rate| match rate {
        Some(rate) => BARS[((rate * 7.0).round() as usize).min(7)],
        None => '·',
    });
    let bars: String = bars.collect();
    let bars: String = bars.chars().rev().collect();
    format!("{bars:>width$}")
}

/// A cell of a line: as wide as it is told, whatever the text.
pub(super) fn cell(text: &str, width: usize, is_left: bool, style: Style) -> Span<'static> {
    let text = report::truncate(text, width);
    let padding = " ".repeat(width.saturating_sub(report::width(&text)));
    let text = if is_left {
        text + &padding
    } else {
        padding + &text
    };
    Span::styled(text, style)
}
