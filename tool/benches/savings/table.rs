//! What came of it.

use std::fmt::Write as _;

use crate::document;

/// How far a prediction may be from the truth.
const NEAR: f64 = 0.3;

/// One pair, in seconds of CPU time for a gigabyte.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) bouncing: f64,
    pub(crate) mended: f64,
    /// What is said to be saved.
    pub(crate) predicted: f64,
    pub(crate) margin: f64,
    pub(crate) basis: String,
}

impl Row {
    /// What is saved.
    fn saved(&self) -> f64 {
        self.bouncing - self.mended
    }

    /// How far the predicted saving is from the true one.
    fn error(&self) -> f64 {
        self.predicted / self.saved() - 1.0
    }

    pub(crate) fn is_near(&self) -> bool {
        self.error().abs() <= NEAR
    }

    pub(crate) fn has_direction(&self) -> bool {
        self.predicted * self.saved() > 0.0
    }

    pub(crate) fn line(&self) -> String {
        format!(
            "| {} | {:.3} | {:.3} | {:.3} | {:.3} ±{:.3} | {:+.0}% | {} |",
            self.name,
            self.bouncing,
            self.mended,
            self.saved(),
            self.predicted,
            self.margin,
            100.0 * self.error(),
            self.basis.replace('_', " "),
        )
    }
}

/// All of it, as Markdown.
pub(crate) fn text(rows: &[Row], rounds: u32, near: usize, wrong: usize, is_kept: bool) -> String {
    let mut text = document::provenance(&format!(
        "cargo xtask bench savings --rounds {rounds} --write"
    ));
    text += "\n| CPU s/GB of | bouncing | mended | saved | predicted | error | by |\n";
    text += "| --- | --- | --- | --- | --- | --- | --- |\n";
    for row in rows {
        text += &row.line();
        text.push('\n');
    }
    let verdict = if is_kept { "pass" } else { "FAIL" };
    let (all, near_percent) = (rows.len(), 100.0 * NEAR);
    let _ = write!(
        text,
        "\n- {verdict}: {near} of {all} savings are within {near_percent:.0}% of the truth (6 of 8 are wanted), and {wrong} in the \
         wrong direction (none is)\n"
    );
    text
}
