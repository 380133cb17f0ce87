//! Colours, as many as the terminal has.

use ratatui::style::{Color, Modifier, Style};

/// How many colours there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colors {
    /// None, or none are wanted.
    #[default]
    None,
    /// The terminal's own sixteen.
    Sixteen,
    /// Two hundred and fifty-six.
    Indexed,
    /// All that there are.
    True,
}

impl Colors {
    /// Those of a terminal whose `TERM` and `COLORTERM` are these.
    #[must_use]
    pub fn of(term: &str, colorterm: &str) -> Self {
        if matches!(colorterm, "truecolor" | "24bit") {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else if term.is_empty() || term == "dumb" || term.starts_with("vt") {
            Self::None
        } else {
            Self::Sixteen
        }
    }

    /// What was lost.
    #[must_use]
    pub fn bad(self) -> Style {
        self.style((0xf0, 0x7a, 0x4f), 209, Color::LightRed)
    }

    /// What is as it should be.
    #[must_use]
    pub fn good(self) -> Style {
        self.style((0x4f, 0xc3, 0xb5), 79, Color::LightGreen)
    }

    /// What is of less interest.
    #[must_use]
    pub fn dim(self) -> Style {
        match self {
            Self::None => Style::new().add_modifier(Modifier::DIM),
            colors => colors.style((0x8a, 0x93, 0x9e), 245, Color::DarkGray),
        }
    }

    /// The head of the table.
    #[must_use]
    pub const fn head(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What the keys act on.
    #[must_use]
    pub fn selected(self) -> Style {
        match self {
            Self::None => Style::new().add_modifier(Modifier::REVERSED),
            Self::Sixteen => Style::new().bg(Color::Blue).fg(Color::White),
            Self::Indexed => Style::new().bg(Color::Indexed(24)),
            Self::True => Style::new().bg(Color::Rgb(0x1d, 0x4a, 0x6b)),
        }
    }

    fn style(self, (red, green, blue): (u8, u8, u8), indexed: u8, named: Color) -> Style {
        match self {
            Self::None => Style::new(),
            Self::Sixteen => Style::new().fg(named),
            Self::Indexed => Style::new().fg(Color::Indexed(indexed)),
            Self::True => Style::new().fg(Color::Rgb(red, green, blue)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Colors;

    #[test]
    fn terminals_have_colors() {
        for (term, colorterm, colors) in [
            ("xterm-256color", "truecolor", Colors::True),
            ("screen-256color", "", Colors::Indexed),
            ("linux", "", Colors::Sixteen),
            ("vt220", "", Colors::None),
            ("dumb", "", Colors::None),
            ("", "", Colors::None),
        ] {
            assert_eq!(Colors::of(term, colorterm), colors, "{term}");
        }
    }
}
