//! Recordings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::reports;
use crate::recording::fixture::{record, recorded};
use crate::recording::{
    Recording, Selection, VERSION, decode_series, encode_series, reseal, tables,
};

/// Cells of a timeline.
const CELLS: usize = 16;

/// Bytes that tell a change: table, row, column, kind of the value, and the value.
const CHANGE: usize = 12;
/// Changes that are made.
const MOST_CHANGES: usize = 8;

/// Reads a file, and makes every report of it.
pub(super) fn file(data: &[u8]) {
    let path = &SCRATCH.1;
    fs::write(path, data).expect("it is written");
    read(path);
}

/// Recordings that are complete, and not.
pub(super) fn files() -> Vec<Vec<u8>> {
    vec![
        made(|path| drop(record(path, 2))),
        made(|path| drop(recorded(path, 66))),
    ]
}

/// Changes values of a recording whose structure stays whole, and reads it.
pub(super) fn rows(data: &[u8]) {
    static RECORDING: LazyLock<Vec<u8>> = LazyLock::new(|| made(|path| drop(record(path, 66))));
    let path = &SCRATCH.1;
    fs::write(path, &*RECORDING).expect("it is written");
    let connection = Connection::open(path).expect("a database");
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; BEGIN",
        )
        .expect("settings");
    for change in data.chunks_exact(CHANGE).take(MOST_CHANGES) {
        // What the schema does not allow is not changed.
        let _ = apply(&connection, change);
    }
    // Else none would be believed.
    reseal(&connection).expect("a checksum");
    connection.execute_batch("COMMIT").expect("it is written");
    drop(connection);
    read(path);
}

/// One change of each kind.
pub(super) fn changes() -> Vec<Vec<u8>> {
    let change = |kind: u8| {
        let value = [kind, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        (0..MOST_CHANGES as u8)
            .flat_map(|place| [&[place, place, place][..], &value].concat())
            .collect()
    };
    (0..6).map(change).collect()
}

/// Reads a series, which comes out as it went in.
pub(super) fn series(data: &[u8]) {
    let Some((steps, content)) = data.split_first() else {
        return;
    };
    let _ = decode_series(content, usize::from(*steps));
    let sum = crc32fast::hash(content).to_le_bytes();
    let summed = [content, &sum].concat();
    if let Some(series) = decode_series(&summed, usize::from(*steps)) {
        let again = decode_series(&encode_series(&series), series.len());
        assert_eq!(again.as_ref(), Some(&series));
    }
}

/// A series of four steps.
pub(super) fn serieses() -> Vec<Vec<u8>> {
    vec![
        vec![4, 2, 0, 2, 0, 3, 2, 2, 2, 2],
        vec![1, 0, 0, 0, 0, 0, 0],
    ]
}

fn apply(file: &Connection, change: &[u8]) -> rusqlite::Result<()> {
    let [table, row, column, kind, value @ ..] = change else {
        return Ok(());
    };
    let tables: Vec<&str> = tables(VERSION).collect();
    let table = tables[usize::from(*table) % tables.len()];
    let columns: Vec<String> = {
        let query = file.prepare(&format!("SELECT * FROM {table}"))?;
        query
            .column_names()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let column = &columns[usize::from(*column) % columns.len()];
    let number = i64::from_be_bytes(value.try_into().unwrap_or_default());
    let value = match kind % 6 {
        0 => Value::Integer(number),
        1 => Value::Integer(number >> 48),
        2 => Value::Real(f64::from_bits(number.cast_unsigned())),
        3 => Value::Text(String::from_utf8_lossy(value).into_owned()),
        4 => Value::Blob(value.to_vec()),
        _ => Value::Null,
    };
    // Tables without a rowid are changed as a whole.
    let where_row = file
        .prepare(&format!("SELECT rowid FROM {table}"))
        .map_or("", |_| " WHERE rowid = ?2");
    let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1{where_row}");
    let mut statement = file.prepare(&sql)?;
    match where_row {
        "" => statement.execute(params![value])?,
        _ => statement.execute(params![value, i64::from(*row) % 8 + 1])?,
    };
    Ok(())
}

fn read(path: &Path) {
    for opened in [Recording::open(path), Recording::salvaged(path)] {
        match opened {
            Ok(recording) => report(&recording),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

fn report(recording: &Recording) {
    let part = Selection {
        from: Some(Duration::from_millis(1500)),
        to: Some(Duration::from_secs(60)),
        pids: vec![7],
    };
    for selection in [Selection::default(), part] {
        let snapshot = recording.snapshot(&selection);
        let timeline = recording.timeline(&selection, CELLS);
        if let (Ok(snapshot), Ok(timeline)) = (snapshot, timeline) {
            reports::all(snapshot, &timeline);
        }
    }
}

/// A file of this process, and its folder.
static SCRATCH: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder");
    let path = folder.path().join("x.ctx");
    (folder, path)
});

/// The bytes of a recording, with pages that are as small as they can be.
fn made(write: impl FnOnce(&Path)) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ctx");
    write(&path);
    Connection::open(&path)
        .and_then(|file| file.execute_batch("PRAGMA page_size = 512; VACUUM"))
        .expect("a smaller file");
    fs::read(&path).expect("it is there")
}
