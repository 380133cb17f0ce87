//! The empty file of a recording.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::recording::RecordingError;
use crate::recording::schema::{APPLICATION_ID, SCHEMA, VERSION};

/// How long a step waits for somebody who reads the recording.
const PATIENCE: Duration = Duration::from_secs(10);

/// What SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// Makes the file, for its owner only, with all tables.
pub(super) fn create(path: &Path, overwrite: bool) -> Result<Connection, RecordingError> {
    make_way(path, overwrite)?;
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => RecordingError::Exists(path.to_owned()),
            _ => cannot_open(path, cause),
        })?;
    let made = set_up(path);
    if made.is_err() {
        // An empty file would be in the way of the next attempt.
        let _ = fs::remove_file(path);
    }
    made.map_err(|error| RecordingError::writing(path, &error))
}

/// Removes what is there if it may be, with the journals of a recording of this name: SQLite would take
/// them for those of the new one.
fn make_way(path: &Path, overwrite: bool) -> Result<(), RecordingError> {
    let companions = COMPANIONS.map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    });
    for there in [path.to_owned()].into_iter().chain(companions) {
        match fs::symlink_metadata(&there) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot_open(&there, error)),
            Ok(facts) if !facts.is_file() => return Err(RecordingError::NoFile(there)),
            Ok(_) if !overwrite => return Err(RecordingError::Exists(there)),
            Ok(_) => fs::remove_file(&there).map_err(|error| cannot_open(&there, error))?,
        }
    }
    Ok(())
}

fn cannot_open(path: &Path, cause: io::Error) -> RecordingError {
    RecordingError::Open {
        path: path.to_owned(),
        cause,
    }
}

/// A rollback journal, not a write-ahead log: what was committed is in the one file, and the journal is
/// there only while a step is being written.
fn set_up(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    let batch = format!(
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; \
         PRAGMA temp_store = MEMORY; BEGIN; \
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};\n{SCHEMA}\nCOMMIT;"
    );
    connection.execute_batch(&batch)?;
    Ok(connection)
}
