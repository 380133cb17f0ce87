//! The page: a report that a browser shows, in one file that loads nothing.
//!
//! It is a function of what was counted and sampled, so that whoever has that, from a file or live, can
//! give the same page. Its markup is maud's, which escapes all text; names go through
//! [`crate::report::escape`] before, as in the text report.

mod csp;
mod findings;
mod flame;
mod flows;
mod lab;
mod method;
mod page;
mod parts;
mod processes;
mod sankey;
mod summary;
#[cfg(test)]
mod tests;
mod timeline;

use std::io;

use crate::model::{Audit, Moment};
use crate::report::Sampled;

pub use lab::write_lab;

/// What a page shows.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The audit, with its findings.
    pub audit: &'a Audit,
    /// What was sampled; `None` where nothing was looked at.
    pub sampled: Option<Sampled<'a>>,
    /// What was written over time; empty where that is not known.
    pub moments: &'a [Moment],
}

/// Writes the page.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, report: &Report<'_>) -> io::Result<()> {
    out.write_all(page::page(report).into_string().as_bytes())
}
