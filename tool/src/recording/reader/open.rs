//! Opens the file, and makes sure that it is a recording.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::recording::RecordingError;
use crate::recording::schema::{APPLICATION_ID, VERSION, statements};

/// How long to wait for a step that is being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of the header of a database (<https://www.sqlite.org/fileformat.html>, 1.3).
const HEADER: usize = 100;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header has the application id.
const APPLICATION_ID_AT: usize = 68;

/// No string or blob of a recording is longer.
const LONGEST_VALUE: i32 = 4 << 20;

/// Whether a file says that it is a recording.
#[must_use]
pub fn is_recording(path: &Path) -> bool {
    check_header(path).is_ok()
}

/// Opens it for reading, and gives the version of its schema; nothing that is written to it from now on
/// is seen.
pub(super) fn open(path: &Path) -> Result<(Connection, u32), RecordingError> {
    let connection = open_unchecked(path)?;
    let version = version(path, &connection)?;
    check_schema(path, &connection, version)?;
    let check: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| RecordingError::reading(path, &error))?;
    if check != "ok" {
        return Err(RecordingError::Damaged {
            path: path.to_owned(),
            what: check.replace('\n', " "),
        });
    }
    Ok((connection, version))
}

/// The same of a file that is damaged, as far as that has the tables of a recording.
pub(super) fn open_damaged(path: &Path) -> Result<(Connection, u32), RecordingError> {
    let connection = open_unchecked(path)?;
    let version = version(path, &connection)?;
    check_schema(path, &connection, version)?;
    Ok((connection, version))
}

fn open_unchecked(path: &Path) -> Result<Connection, RecordingError> {
    check_header(path)?;
    let reading = |error: &rusqlite::Error| RecordingError::reading(path, error);
    match connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY) {
        Ok(connection) => Ok(connection),
        Err(error) if needs_rollback(&error) => {
            // Its copytax was ended in the middle of a step, which SQLite takes back.
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
            connection.map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                    RecordingError::Unfinished {
                        path: path.to_owned(),
                    }
                }
                _ => reading(&error),
            })
        }
        Err(error) => Err(reading(&error)),
    }
}

/// Before SQLite looks at it: most files are no databases, and most databases are no recordings.
fn check_header(path: &Path) -> Result<(), RecordingError> {
    let failed = |cause| RecordingError::Open {
        path: path.to_owned(),
        cause,
    };
    // Before it is opened: a FIFO would have it wait for ever.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(RecordingError::NoFile(path.to_owned()));
    }
    let mut header = Vec::with_capacity(HEADER);
    let file = File::open(path).map_err(failed)?;
    let read = file.take(HEADER as u64).read_to_end(&mut header);
    read.map_err(failed)?;
    let id = header.get(APPLICATION_ID_AT..APPLICATION_ID_AT + 4);
    if !header.starts_with(MAGIC) || id != Some(&APPLICATION_ID.to_be_bytes()) {
        return Err(RecordingError::Foreign(path.to_owned()));
    }
    Ok(())
}

fn connect(path: &Path, mode: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
         PRAGMA query_only = ON; BEGIN",
    )?;
    // The first read takes the lock, and sees whether a journal is left.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn needs_rollback(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen)
    )
}

fn version(path: &Path, connection: &Connection) -> Result<u32, RecordingError> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|error| RecordingError::reading(path, &error))?;
    match u32::try_from(found) {
        Ok(version @ 1..=VERSION) => Ok(version),
        Ok(1..) => Err(RecordingError::Newer {
            path: path.to_owned(),
            found,
            known: VERSION,
        }),
        _ => Err(RecordingError::Damaged {
            path: path.to_owned(),
            what: format!("there never was a schema of version {found}"),
        }),
    }
}

/// The file must have exactly the tables of its version: what else there is could be code of somebody
/// else, as triggers and views are.
fn check_schema(path: &Path, connection: &Connection, version: u32) -> Result<(), RecordingError> {
    let read = || -> rusqlite::Result<BTreeSet<String>> {
        let mut query = connection.prepare("SELECT sql FROM sqlite_schema")?;
        query.query_map([], |row| row.get(0))?.collect()
    };
    let found = read().map_err(|error| RecordingError::reading(path, &error))?;
    let known: BTreeSet<String> = statements(version).map(str::to_owned).collect();
    if found != known {
        return Err(RecordingError::Damaged {
            path: path.to_owned(),
            what: "its tables are not those of a recording".to_owned(),
        });
    }
    Ok(())
}
