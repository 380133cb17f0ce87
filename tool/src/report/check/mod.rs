//! What a check found, for people and for what runs checks.

mod github;
mod json;
mod junit;
mod message;
mod sarif;
#[cfg(test)]
mod tests;

use std::io;

use crate::analysis::policy::Check;
use crate::report::text::Page;

pub use github::write as write_github;
pub use json::write as write_json;
pub use junit::write as write_junit;
pub use sarif::write as write_sarif;

/// Columns in front of a cause.
const INDENT: usize = 5;
/// Causes of a check that people are told.
const CAUSES: usize = 3;

/// Writes each check and why it does not hold, for people.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    out: &mut impl io::Write,
    checks: &[Check<'_>],
    (width, color): (usize, bool),
) -> io::Result<()> {
    let page = Page::new(width, color);
    for check in checks {
        let (word, paint): (_, fn(&Page, &str) -> String) = if check.holds {
            ("ok  ", Page::good)
        } else {
            ("FAIL", Page::bad)
        };
        let text = page.hanging(&format!("{word} {}", message::said(check)), INDENT);
        let rest = text.get(word.len()..).unwrap_or_default();
        writeln!(out, "{}{rest}", paint(&page, word))?;
        let (told, more) = check.because.split_at(CAUSES.min(check.because.len()));
        for line in told.iter().flat_map(|finding| message::cause(finding)) {
            let line = format!("{:INDENT$}{line}", "");
            writeln!(out, "{}", page.hanging(&line, INDENT + 2))?;
        }
        if !more.is_empty() {
            writeln!(out, "{:INDENT$}and {} more", "", more.len())?;
        }
    }
    let failed = checks.iter().filter(|check| !check.holds).count();
    match failed {
        0 => writeln!(out, "all {} checks hold", checks.len()),
        failed => writeln!(out, "{failed} of {} checks failed", checks.len()),
    }
}
