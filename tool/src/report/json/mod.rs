//! The JSON report, `copytax.report/1`: `docs/report.schema.json` describes it.

mod comparison;
mod document;
mod findings;
mod fleet;
mod flow;
mod formatter;
mod lab;
mod process;
mod rules;
mod sites;
#[cfg(test)]
mod tests;

use std::io;

use crate::model::{Audit, Profile};
use document::Report;
use formatter::SafeFormatter;

pub use comparison::write_comparison;
pub use fleet::write_fleet;
pub use lab::write_lab;
pub use rules::write_rules;

/// The name and version of the format.
pub const SCHEMA: &str = "copytax.report/1";

/// Writes a document and a newline, safe to print.
pub(super) fn to_writer(
    out: &mut impl io::Write,
    document: &impl serde::Serialize,
) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, SafeFormatter::new());
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// Writes `audit` as one JSON document and a newline; with a `profile`, also its call sites and CPU
/// times.
///
/// Strings of processes are kept exactly; characters that would steer a terminal are written as
/// `\u` escapes.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, audit: &Audit, profile: Option<&Profile>) -> io::Result<()> {
    to_writer(out, &Report::new(audit, profile))
}
