//! Names that come from processes are untrusted: nothing in them may steer a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether `c` would steer a terminal, hide or reorder what is around it.
///
/// The standard library's table decides: controls (C0, DEL, C1), format characters (bidi
/// overrides, zero-width joiners, tags), separators other than the space, private, unassigned and
/// combining characters.
pub(super) fn is_unsafe(c: char) -> bool {
    !matches!(c, '\'' | '"' | '\\') && c.escape_debug().len() > 1
}

/// `text` with every unsafe character spelled out, such as `\x1b`, `\n` and `\u{202e}`, and every
/// backslash doubled, so that no name can imitate the spelling.
pub(crate) fn escape(text: &str) -> String {
    // What most names are: looking up each character would take most of the time of a flame graph.
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\')
    {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str(r"\\"),
            '\t' | '\n' | '\r' => escaped.extend(c.escape_debug()),
            '\0'..='\x7f' if c.is_ascii_control() => {
                escaped.push_str(&format!(r"\x{:02x}", u32::from(c)));
            }
            _ if is_unsafe(c) => escaped.extend(c.escape_unicode()),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Columns that `text`, escaped before, takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text`, escaped before, cut to at most `columns` with an ellipsis as its last character.
pub(crate) fn truncate(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let columns_of_c = c.width().unwrap_or(0);
        if used + columns_of_c + 1 > columns {
            break;
        }
        cut.push(c);
        used += columns_of_c;
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// `text`, escaped before, cut to at most `columns` with an ellipsis in its middle: of the names of
/// functions both ends tell them apart.
pub(super) fn truncate_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let tail = columns.saturating_sub(1) / 2;
    let mut start = text.len();
    let mut used = 0;
    for (index, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > tail {
            break;
        }
        start = index;
    }
    let end = &text[start..];
    truncate(text, columns - width(end).min(columns)) + end
}

#[cfg(test)]
mod tests {
    use super::{escape, is_unsafe, truncate, truncate_middle, width};
    use proptest::prelude::{any, proptest};
    use proptest::{prop_assert, prop_assert_eq};

    #[test]
    fn what_steers_a_terminal_is_spelled_out() {
        for (name, escaped) in [
            ("nginx: worker", "nginx: worker"),
            ("it's \"quoted\"", "it's \"quoted\""),
            ("\x1b[2Jgone", r"\x1b[2Jgone"),
            ("two\nlines\t\r", r"two\nlines\t\r"),
            ("nul\0del\x7f", r"nul\x00del\x7f"),
            ("c1\u{9b}31m", r"c1\u{9b}31m"),
            ("\u{202e}txt.exe\u{2066}", r"\u{202e}txt.exe\u{2066}"),
            ("zero\u{200b}width\u{feff}", r"zero\u{200b}width\u{feff}"),
            ("line\u{2028}sep", r"line\u{2028}sep"),
            ("tag\u{e0041}", r"tag\u{e0041}"),
            ("e\u{301}", r"e\u{301}"),
            (r"\x1b", r"\\x1b"),
            ("日本 é", "日本 é"),
        ] {
            assert_eq!(escape(name), escaped);
        }
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(truncate("nginx", 5), "nginx");
        assert_eq!(truncate("nginx-debug", 5), "ngin…");
        assert_eq!(truncate("日本語", 5), "日本…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("nginx", 1), "…");
        assert_eq!(truncate("nginx", 0), "");
        assert_eq!(truncate_middle("nginx", 5), "nginx");
        assert_eq!(truncate_middle("ngx_http_copy_filter", 9), "ngx_…lter");
        assert_eq!(truncate_middle("日本語日本語", 7), "日本…語");
        assert_eq!(truncate_middle("nginx", 2), "n…");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.chars().any(is_unsafe), "{escaped:?}");
        }

        #[test]
        fn a_cut_name_fits(text in any::<String>(), columns in 0..40usize) {
            let escaped = escape(&text);
            let cut = truncate(&escaped, columns);
            prop_assert!(width(&cut) <= columns);
            prop_assert_eq!(width(&escaped) <= columns, cut == escaped);
            let cut = truncate_middle(&escaped, columns);
            prop_assert!(width(&cut) <= columns);
            prop_assert_eq!(width(&escaped) <= columns, cut == escaped);
        }
    }
}
