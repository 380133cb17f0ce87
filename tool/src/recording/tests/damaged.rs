//! Files that are no recordings, or not any more.

use std::fs;

use rusqlite::Connection;

use super::*;

/// Reads all that there is to read.
fn read(path: &Path) -> Result<Snapshot, RecordingError> {
    Recording::open(path)?.snapshot(&Selection::default())
}

fn refusal(path: &Path) -> String {
    let error = read(path).expect_err("it must be refused");
    let said = error.to_string();
    assert!(said.contains("x.ctx"), "{said}");
    said
}

#[test]
fn other_files_are_refused() {
    let (folder, path) = place();
    for content in [
        &b""[..],
        b"SQLite format 3\0",
        b"#!/bin/sh\n",
        &[0xff; 4096],
    ] {
        fs::write(&path, content).expect("written");
        assert!(matches!(read(&path), Err(RecordingError::Foreign(_))));
    }
    fs::remove_file(&path).expect("it is there");
    Connection::open(&path)
        .and_then(|other| other.execute_batch("CREATE TABLE step (id)"))
        .expect("another database");
    assert!(refusal(&path).contains("is not a recording"));
    assert!(matches!(
        read(folder.path()),
        Err(RecordingError::NoFile(_))
    ));
    let none = folder.path().join("none");
    assert!(matches!(read(&none), Err(RecordingError::Open { .. })));
}

#[test]
fn other_schemas_are_refused() {
    for (change, reason) in [
        ("PRAGMA user_version = 2", "was recorded by a newer copytax"),
        ("PRAGMA user_version = 0", "is damaged"),
        ("DROP TABLE finding", "its tables are not"),
        ("CREATE VIEW more AS SELECT 1", "its tables are not"),
        (
            "CREATE TRIGGER t AFTER INSERT ON step BEGIN SELECT 1; END",
            "its tables are not",
        ),
        ("DELETE FROM process", "is damaged"),
        ("DELETE FROM step WHERE id = 2", "step 2 is missing"),
        ("DELETE FROM frame", "is damaged"),
        ("DELETE FROM string", "is damaged"),
        ("DELETE FROM chunk", "there is no chunk 1"),
        ("UPDATE chunk SET last_step = -1", "is damaged"),
        (
            "UPDATE counter SET call = 'steal'",
            "\"steal\" stands for nothing",
        ),
        ("UPDATE counter SET kind = 'flaw'", "is damaged"),
        (
            "UPDATE counter SET bucket = 64 WHERE kind = 'transfer'",
            "no transfer",
        ),
        ("UPDATE counter_step SET bytes = x'00'", "is damaged"),
        ("UPDATE process SET cmdline = '['", "no arguments"),
        ("UPDATE recording SET command = '{'", "no command"),
        (
            "UPDATE recording SET complete = 1",
            "its checksum is another",
        ),
        (
            "UPDATE step SET end_ns = 1 WHERE id = 9",
            "ends before it begins",
        ),
    ] {
        let (_folder, path) = place();
        // What is complete has a checksum, which would be what is told.
        drop(record(&path, 70));
        Connection::open(&path)
            .and_then(|file| file.execute_batch(&format!("PRAGMA foreign_keys = OFF; {change}")))
            .expect(change);
        let said = refusal(&path);
        assert!(said.contains(reason), "{change}: {said}");
    }
}

#[test]
fn a_series_is_checked_where_it_is_read() {
    let (_folder, path) = place();
    drop(record(&path, 70));
    Connection::open(&path)
        .and_then(|file| file.execute_batch("UPDATE counter_chunk SET series = x'0011'"))
        .expect("changed");
    let recording = Recording::open(&path).expect("a recording");
    let part = recording.snapshot(&Selection {
        to: Some(Duration::from_secs(5)),
        ..Selection::default()
    });
    let said = part.expect_err("the series is broken").to_string();
    assert!(said.contains("the series of chunk 1 is broken"), "{said}");
}

/// Whatever happens to a file, it is refused, or read as it was; nothing panics.
#[test]
fn damage_is_noticed() {
    let (_folder, path) = place();
    recorded(&path, 70);
    let expected = read(&path).expect("a recording");
    let refused = damage(&path, |found| assert_eq!(*found, expected));
    assert!(refused >= 200, "{refused}");
}

/// Without a checksum, as before its end, damage is refused at best; nothing panics.
#[test]
fn damage_before_the_end_does_no_harm() {
    let (_folder, path) = place();
    drop(record(&path, 70));
    let refused = damage(&path, |found| assert!(found.is_incomplete));
    assert!(
        refused >= 100,
        "all that is too short is refused: {refused}"
    );
}

/// Damages a file in 400 ways, and shows what is read then; gives how often it is refused.
fn damage(path: &Path, mut read_as: impl FnMut(&Snapshot)) -> usize {
    let whole = fs::read(path).expect("it is there");
    let mut random = fastrand::Rng::with_seed(6);
    let mut refused = 0;
    for round in 0..400 {
        let mut bytes = whole.clone();
        if round % 4 == 0 {
            bytes.truncate(random.usize(..bytes.len()));
        } else {
            for _ in 0..random.usize(1..8) {
                let at = random.usize(..bytes.len());
                bytes[at] ^= 1 << random.u32(..8);
            }
        }
        fs::write(path, &bytes).expect("written");
        match read(path) {
            Ok(found) => read_as(&found),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    refused
}
