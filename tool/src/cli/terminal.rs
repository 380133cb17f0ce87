//! What the terminal can show.

use std::env;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd;

use clap::ValueEnum;

/// Columns where nothing says otherwise.
pub(crate) const DEFAULT_WIDTH: usize = 80;
/// Fewest columns that anything is laid out for.
const NARROWEST: usize = 40;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal
    Auto,
    /// Into files and pipes, too
    Always,
    /// Not even on a terminal
    Never,
}

impl ColorChoice {
    /// Whether to colour a stream that is a terminal or not.
    pub(crate) fn applies(self, is_terminal: bool) -> bool {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        self.decide(is_terminal, refused)
    }

    /// Whether to colour stdout.
    pub(crate) fn applies_to_stdout(self) -> bool {
        self.applies(io::stdout().is_terminal())
    }

    fn decide(self, is_terminal: bool, refused: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && !refused,
        }
    }
}

/// Columns to lay stdout out for: the terminal's, those of `COLUMNS`, or 80.
pub(crate) fn width() -> usize {
    choose_width(columns(io::stdout()), env::var("COLUMNS").ok().as_deref())
}

/// Columns of the terminal behind `stream`, if there is one.
pub(crate) fn columns(stream: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    (size.ws_col > 0).then(|| usize::from(size.ws_col))
}

fn choose_width(terminal: Option<usize>, variable: Option<&str>) -> usize {
    let variable = || variable?.trim().parse().ok().filter(|&columns| columns > 0);
    // Beyond this, `COLUMNS` was no width.
    let widest = usize::from(u16::MAX);
    terminal
        .or_else(variable)
        .unwrap_or(DEFAULT_WIDTH)
        .clamp(NARROWEST, widest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths() {
        assert_eq!(choose_width(Some(132), Some("60")), 132);
        assert_eq!(choose_width(None, Some("60")), 60);
        assert_eq!(choose_width(None, None), 80);
        assert_eq!(choose_width(Some(20), None), 40);
        for wrong in ["", "0", "x", "-1"] {
            assert_eq!(choose_width(None, Some(wrong)), 80, "{wrong}");
        }
        assert_eq!(choose_width(None, Some("99999999")), 65535);
    }

    #[test]
    fn colors() {
        assert!(ColorChoice::Auto.decide(true, false));
        assert!(!ColorChoice::Auto.decide(true, true));
        assert!(!ColorChoice::Auto.decide(false, false));
        assert!(ColorChoice::Always.decide(false, true));
        assert!(!ColorChoice::Never.decide(true, false));
    }
}
