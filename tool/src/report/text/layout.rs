//! Lines that fit, and colours.

use anstyle::{AnsiColor, Style};

use crate::report::escape::{truncate, width};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();

/// Wider lines are hard to read.
const WIDEST_PARAGRAPH: usize = 100;
const NARROWEST: usize = 40;

/// Where text is laid out.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) struct Page {
    /// Columns.
    pub(super) width: usize,
    color: bool,
}

impl Page {
    pub(in crate::report) fn new(width: usize, color: bool) -> Self {
        Self {
            width: width.max(NARROWEST),
            color,
        }
    }

    /// Whether there is room to align things under each other.
    pub(super) const fn is_wide(&self) -> bool {
        self.width >= 72
    }

    /// `text` filled into lines.
    pub(super) fn paragraph(&self, text: &str) -> String {
        self.hanging(text, 0)
    }

    /// As [`Self::paragraph`], all lines but the first indented.
    pub(in crate::report) fn hanging(&self, text: &str, indent: usize) -> String {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        wrap(&words, " ", 0, indent, self.width.min(WIDEST_PARAGRAPH))
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    /// For lost bytes.
    pub(in crate::report) fn bad(&self, text: &str) -> String {
        self.paint(RED, text)
    }

    /// For zero-copy bytes.
    pub(in crate::report) fn good(&self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// Items, `gap` apart, filled into lines of at most `columns`. The first line begins at column
/// `start`, the others are indented by `indent`. An item is broken only where it has a line of its
/// own and still does not fit: at spaces, and cut where there are none.
pub(super) fn wrap(
    items: &[String],
    gap: &str,
    start: usize,
    indent: usize,
    columns: usize,
) -> String {
    let mut text = String::new();
    let mut column = start;
    let mut line_is_empty = true;
    for item in items {
        let gap_before = if line_is_empty { "" } else { gap };
        if column + gap_before.len() + width(item) <= columns {
            text += gap_before;
            text += item;
            column += gap_before.len() + width(item);
            line_is_empty = false;
            continue;
        }
        if !line_is_empty || column > indent {
            text.truncate(text.trim_end().len());
            text.push('\n');
            text += &" ".repeat(indent);
            column = indent;
        }
        let room = columns.saturating_sub(indent).max(1);
        if width(item) <= room {
            text += item;
            column += width(item);
        } else if item.contains(' ') {
            let words: Vec<String> = item.split(' ').map(str::to_owned).collect();
            let lines = wrap(&words, " ", indent, indent, columns);
            column = lines
                .rsplit_once('\n')
                .map_or_else(|| indent + width(&lines), |(_, last_line)| width(last_line));
            text += &lines;
        } else {
            text += &truncate(item, room);
            column = columns;
        }
        line_is_empty = false;
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::{Page, wrap};
    use crate::report::escape::width;
    use proptest::prelude::{prop, proptest};
    use proptest::prop_assert;

    fn items(items: &[&str]) -> Vec<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    #[test]
    fn items_stay_together_while_they_can() {
        let text = wrap(
            &items(&["one two", "three", "four five six seven"]),
            "  ",
            2,
            2,
            16,
        );
        assert_eq!(text, "one two  three\n  four five six\n  seven");
    }

    #[test]
    fn a_long_word_is_cut() {
        let text = wrap(&items(&["a", "abcdefghijkl", "b"]), " ", 0, 2, 8);
        assert_eq!(text, "a\n  abcde…\n  b");
    }

    #[test]
    fn colour_is_off_unless_asked_for() {
        assert_eq!(Page::new(80, false).bad("x"), "x");
        assert_eq!(Page::new(80, true).bad("x"), "\x1b[31mx\x1b[0m");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide(
            items in prop::collection::vec("[a-z日 ]{0,30}", 0..8),
            columns in 12..60usize,
        ) {
            let text = wrap(&items, "  ", 0, 4, columns);
            for line in text.lines() {
                prop_assert!(width(line) <= columns, "{:?}", line);
            }
        }
    }
}
