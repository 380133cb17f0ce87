//! What was found, for those who query the file.

use rusqlite::{Connection, params};

use crate::model::Finding;
use crate::recording::writer::State;

/// Writes it.
pub(super) fn write(
    file: &Connection,
    finding: &Finding,
    state: &mut State,
) -> rusqlite::Result<()> {
    let process = state.processes.row(file, finding.process)?;
    let stacks = &mut state.sites.stacks;
    let culprit = finding.culprit.as_ref();
    let culprit = culprit.map(|frame| stacks.frame(file, frame)).transpose()?;
    file.prepare_cached(
        "INSERT INTO finding (process, rule, verdict, title, cause, fix, mechanism, source, sink, lost,
             bytes, culprit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        process,
        finding.rule.as_deref(),
        finding.verdict.name(),
        finding.title.as_deref(),
        finding.cause.as_deref(),
        finding.fix.as_deref(),
        finding.mechanism.name(),
        finding.source.name(),
        finding.sink.name(),
        finding.lost,
        finding.bytes.value.cast_signed(),
        culprit,
    ])
    .map(drop)
}
