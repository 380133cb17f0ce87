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
        ("PRAGMA user_version = 3", "was recorded by a newer copytax"),
        ("PRAGMA user_version = 1", "its tables are not"),
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
        drop(record(&path, 70));
        let file = Connection::open(&path).expect("a database");
        file.execute_batch(&format!("PRAGMA foreign_keys = OFF; {change}"))
            .expect(change);
        // Else that would be what is told. What has other tables has none.
        if !change.contains("complete") {
            let _ = reseal(&file);
        }
        drop(file);
        let said = refusal(&path);
        assert!(said.contains(reason), "{change}: {said}");
    }
}

#[test]
fn a_series_is_checked_where_it_is_read() {
    let (_folder, path) = place();
    drop(record(&path, 70));
    Connection::open(&path)
        .and_then(|file| {
            file.execute_batch("UPDATE counter_chunk SET series = x'0011'")?;
            reseal(&file)
        })
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

/// The same before its end.
#[test]
fn damage_before_the_end_is_noticed() {
    let (_folder, path) = place();
    drop(record(&path, 70));
    let expected = read(&path).expect("a recording");
    let refused = damage(&path, |found| assert_eq!(*found, expected));
    assert!(refused >= 200, "{refused}");
}

/// What is left of a damaged file is read, and said to be that.
#[test]
fn what_is_left_is_read() {
    let (_folder, path) = place();
    recorded(&path, 70);
    let whole = fs::read(&path).expect("it is there");
    let expected = read(&path).expect("a recording");
    let mut random = fastrand::Rng::with_seed(9);
    let (mut noticed, mut partial) = (0, 0);
    for _ in 0..200 {
        let mut bytes = whole.clone();
        let at = random.usize(4096..bytes.len());
        let length = random.usize(1..512).min(bytes.len() - at);
        bytes[at..at + length].fill_with(|| random.u8(..));
        fs::write(&path, &bytes).expect("written");
        match read(&path) {
            // It was where nothing is.
            Ok(found) => assert_eq!(found, expected),
            Err(_) => {
                noticed += 1;
                let left = Recording::salvaged(&path);
                if let Ok(found) = left.and_then(|left| left.snapshot(&Selection::default())) {
                    assert!(found.is_incomplete);
                    partial += 1;
                }
            }
        }
    }
    // Without a schema nothing is: that is a part of such a small file.
    assert!(partial * 3 >= noticed, "{partial} of {noticed}");
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
