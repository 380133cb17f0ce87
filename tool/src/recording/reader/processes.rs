//! The table of processes.

use std::collections::HashMap;

use rusqlite::{Connection, Row};

use crate::model::{Libc, ProcessFacts, ProcessId, Runtime, RuntimeEvidence, RuntimeName};
use crate::recording::reader::{optional, unsigned, wrong};

/// Processes by their rows, with what is known of them.
pub(super) type Processes = HashMap<i64, (ProcessId, Option<ProcessFacts>)>;

/// Reads them.
pub(super) fn read(file: &Connection) -> rusqlite::Result<Processes> {
    let mut query = file.prepare(
        "SELECT id, pid, start_ns, comm, exe, cmdline, cgroup, container, exited, af_xdp, runtime,
             runtime_version, libc, runtime_evidence
         FROM process",
    )?;
    let processes = query.query_map([], process)?;
    processes.collect()
}

fn process(row: &Row<'_>) -> rusqlite::Result<(i64, (ProcessId, Option<ProcessFacts>))> {
    let id = ProcessId {
        pid: row.get(1)?,
        start_time_ns: unsigned(row, 2)?,
    };
    let comm: Option<String> = row.get(3)?;
    let facts = comm.map(|comm| facts(row, comm)).transpose()?;
    Ok((row.get(0)?, (id, facts)))
}

fn facts(row: &Row<'_>, comm: String) -> rusqlite::Result<ProcessFacts> {
    let cmdline: String = row.get(5)?;
    let name = optional(row, 10, RuntimeName::ALL, RuntimeName::name)?;
    let evidence = optional(row, 13, RuntimeEvidence::ALL, RuntimeEvidence::name)?;
    let runtime = match (name, evidence) {
        (Some(name), Some(evidence)) => Some(Runtime {
            name,
            version: row.get(11)?,
            libc: optional(row, 12, Libc::ALL, Libc::name)?,
            evidence,
        }),
        _ => None,
    };
    Ok(ProcessFacts {
        comm,
        exe: row.get(4)?,
        cmdline: serde_json::from_str(&cmdline)
            .map_err(|error| wrong(5, format!("no arguments: {error}")))?,
        cgroup: row.get(6)?,
        container_id: row.get(7)?,
        exited: row.get(8)?,
        af_xdp: row.get(9)?,
        runtime,
    })
}
