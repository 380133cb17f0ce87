//! The keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::put;
use crate::live::Colors;

const KEYS: [(&str, &str); 16] = [
    ("Up Down j k", "select a process"),
    ("Enter", "its flows, call sites, findings; Esc back"),
    ("s < >", "sort by the next or last column"),
    ("r", "the other way round"),
    ("/", "filter by name, pid, cgroup, container"),
    ("t", "tree: by container or cgroup"),
    ("u", "units: KiB/s, kB/s, kbit/s"),
    ("p Space", "pause"),
    ("w", "write the last minute to a recording"),
    ("mouse", "click a head to sort, a row to select"),
    ("q Ctrl-C", "quit"),
    ("", ""),
    ("HIT", "zero-copy / (zero-copy + lost)"),
    ("LOST", "read and written though the kernel has a path"),
    ("CPU TAX", "CPU in calls that move bytes, of one CPU"),
    ("*", "has exited"),
];

/// Draws them.
pub(super) fn draw(colors: Colors, area: Rect, buffer: &mut Buffer) {
    for (row, (key, what)) in (0..).zip(KEYS) {
        let line = Line::from(vec![
            Span::styled(format!("{key:<12} "), colors.good()),
            Span::raw(what),
        ]);
        put(buffer, area, row, line);
    }
}
