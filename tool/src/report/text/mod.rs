//! The report for people.

mod calibration;
mod comparison;
mod failures;
pub(super) mod findings;
mod fleet;
pub(super) mod flows;
pub(super) mod footer;
mod grid;
pub(super) mod headline;
mod lab;
mod layout;
mod rules;
mod sites;
mod table;
#[cfg(test)]
mod tests;

use std::io;

use crate::model::{Audit, Flow, ProcessAudit, Profile};
use crate::report::SortKey;
use crate::report::escape::{escape, truncate};
pub(crate) use flows::{endpoints, how};
pub(super) use layout::Page;
use layout::wrap;

pub use calibration::write_calibration;
pub use comparison::write_comparison;
pub use fleet::write_fleet;
pub use lab::write_lab;
pub(in crate::report) use lab::{congestion_control, lab_notes, way_phrase};
pub use rules::{write_rule, write_rules};

/// How the text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Columns of the terminal. Less than 40 is taken as 40.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// How many processes to show; the others are summed up in one line.
    pub top: usize,
    /// What puts a process among the first.
    pub sort: SortKey,
}

/// Processes whose flows are shown. The table has room for more: who reads this has five minutes.
const DETAILED: usize = 5;

/// Writes `audit` for people; with a `profile`, also who makes bytes bounce.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    out: &mut impl io::Write,
    audit: &Audit,
    profile: Option<&Profile>,
    options: &TextOptions,
) -> io::Result<()> {
    let page = Page::new(options.width, options.color);
    let mut processes: Vec<&ProcessAudit> = audit
        .processes
        .iter()
        .filter(|process| has_something_to_show(process))
        .collect();
    // Stable: ties stay in the order of the analysis.
    processes.sort_by(|a, b| options.sort.compare(a, b));
    let quiet = audit.processes.len() - processes.len();
    let (shown, hidden) = processes.split_at(options.top.min(processes.len()));
    let (detailed, summed) = processes.split_at(shown.len().min(DETAILED));

    let headline = headline::headline(audit);
    writeln!(out, "{}", page.paragraph(&headline))?;
    if !processes.is_empty() {
        writeln!(out)?;
        table::write(out, &page, shown, hidden, &audit.bytes)?;
        findings::write(out, &page, audit)?;
        for process in detailed {
            writeln!(out)?;
            flows::write(out, &page, process, profile)?;
        }
        failures::write_of_others(out, &page, summed)?;
    }
    writeln!(out)?;
    footer::write(out, &page, audit, profile, quiet)
}

/// Not so of a process that only read, or whose writes were all empty.
pub(super) fn has_something_to_show(process: &ProcessAudit) -> bool {
    let is_shown = |flow: &Flow| flow.bytes > 0 || !flow.errors.is_empty();
    process.flows.iter().any(is_shown) || process.facts.af_xdp == Some(true)
}

/// The command name of a process, escaped, at most `columns` wide.
pub(super) fn command_name(process: &ProcessAudit, columns: usize) -> String {
    if process.facts.comm.is_empty() {
        return truncate("unknown", columns);
    }
    truncate(&escape(&process.facts.comm), columns)
}
