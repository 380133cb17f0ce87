//! The one row that is about all of it.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::model::{CommandOutcome, Engine, Host, SiteKind, Window};
use crate::recording::names;
use crate::recording::reader::{named, unsigned, wrong};

/// What is said of all of it.
pub(super) struct Header {
    pub(super) complete: bool,
    /// Of a complete one; since version 2 of any.
    pub(super) checksum: Option<u32>,
    /// Without a duration: that is the steps'.
    pub(super) window: Window,
    pub(super) engine: Engine,
    pub(super) host: Host,
    pub(super) first_interval: [u64; SiteKind::ALL.len()],
    pub(super) without_profile: Option<String>,
    pub(super) command: Option<CommandOutcome>,
}

/// Reads it; there is none before the first step.
pub(super) fn read(file: &Connection) -> rusqlite::Result<Option<Header>> {
    file.query_row(
        "SELECT complete, started_ns, boot_ns, engine, kernel, arch, cpus, hostname,
             bounced_interval, zero_copy_interval, other_interval, without_profile, command,
             command_pid, command_exit_code, command_signal, checksum
         FROM recording",
        [],
        header,
    )
    .optional()
}

fn header(row: &Row<'_>) -> rusqlite::Result<Header> {
    let started = Duration::from_nanos(unsigned(row, 1)?);
    Ok(Header {
        complete: row.get(0)?,
        checksum: row.get(16)?,
        window: Window {
            start: SystemTime::UNIX_EPOCH + started,
            start_ns: unsigned(row, 2)?,
            duration: Duration::ZERO,
        },
        engine: named(row, 3, names::ENGINES, Engine::name)?,
        host: Host {
            kernel: row.get(4)?,
            arch: row.get(5)?,
            cpus: row.get(6)?,
            hostname: row.get(7)?,
        },
        first_interval: [unsigned(row, 8)?, unsigned(row, 9)?, unsigned(row, 10)?],
        without_profile: row.get(11)?,
        command: match row.get::<_, Option<String>>(12)? {
            None => None,
            Some(words) => Some(CommandOutcome {
                command: serde_json::from_str(&words)
                    .map_err(|error| wrong(12, format!("no command: {error}")))?,
                pid: row.get(13)?,
                exit_code: row.get(14)?,
                signal: row.get(15)?,
            }),
        },
    })
}
