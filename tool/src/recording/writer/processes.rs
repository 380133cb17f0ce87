//! The table of processes.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::{ProcessFacts, ProcessId, Runtime, Snapshot};

/// Processes that are in the file.
#[derive(Default)]
pub(super) struct Processes(HashMap<ProcessId, Known>);

struct Known {
    row: i64,
    /// As they are in the file.
    facts: Option<ProcessFacts>,
}

impl Processes {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Writes what is new of those that `snapshot` names.
    pub(super) fn write(&mut self, file: &Connection, snapshot: &Snapshot) -> rusqlite::Result<()> {
        for (id, facts) in &snapshot.processes {
            let row = self.row(file, *id)?;
            let known = self.0.entry(*id).or_insert(Known { row, facts: None });
            if known.facts.as_ref() != Some(facts) {
                update(file, row, facts)?;
                known.facts = Some(facts.clone());
            }
        }
        Ok(())
    }

    /// The row of a process, of which nothing else may be known.
    pub(super) fn row(&mut self, file: &Connection, id: ProcessId) -> rusqlite::Result<i64> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.row);
        }
        file.prepare_cached("INSERT INTO process (pid, start_ns, exited) VALUES (?1, ?2, 0)")?
            .execute(params![id.pid, id.start_time_ns.cast_signed()])?;
        let row = file.last_insert_rowid();
        self.0.insert(id, Known { row, facts: None });
        Ok(row)
    }
}

fn update(file: &Connection, row: i64, facts: &ProcessFacts) -> rusqlite::Result<()> {
    // Taken apart, so that a new fact cannot be forgotten here.
    let ProcessFacts {
        comm,
        exe,
        cmdline,
        cgroup,
        container_id,
        exited,
        af_xdp,
        runtime,
    } = facts;
    let runtime = runtime.as_ref();
    file.prepare_cached(
        "UPDATE process SET comm = ?2, exe = ?3, cmdline = ?4, cgroup = ?5, container = ?6,
             exited = ?7, af_xdp = ?8, runtime = ?9, runtime_version = ?10, libc = ?11,
             runtime_evidence = ?12
         WHERE id = ?1 RETURNING 1",
    )?
    .query_row(
        params![
            row,
            comm,
            exe,
            serde_json::json!(cmdline).to_string(),
            cgroup,
            container_id,
            exited,
            af_xdp,
            runtime.map(|runtime| runtime.name.name()),
            runtime.and_then(|runtime| runtime.version.as_deref()),
            runtime
                .and_then(|runtime: &Runtime| runtime.libc)
                .map(|libc| libc.name()),
            runtime.map(|runtime| runtime.evidence.name()),
        ],
        |_| Ok(()),
    )
    .optional()
    .map(drop)
}
