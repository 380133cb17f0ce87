//! What is written is read back.

use std::collections::BTreeSet;
use std::fs::File;
use std::time::Duration;

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Row;

use super::*;
use crate::analysis::catalog::Catalog;
use crate::analysis::fixture::{process, profile};
use crate::analysis::fleet::pool;
use crate::fuzzing::reports::audited;
use crate::model::{Call, CellCounts, Class, EndpointKind, Estimate};

/// Every table of a recording with a call site, and with names that would steer a terminal.
fn read_back() -> impl Fn(&str) -> Vec<Row> {
    let mut snapshot = crate::recording::fixture::after(3);
    snapshot.host.hostname = String::new();
    snapshot.loss.uring_unseen = None;
    let wrapper = profile::go_wrapper(Estimate {
        value: 3000.0,
        variance: 9.0,
    });
    snapshot.profile.call_sites = vec![crate::model::CallSite {
        process: process(7),
        ..wrapper
    }];
    let (audit, profile) = audited(snapshot, Catalog::builtin());
    let recordings = [Recorded {
        file: "x\u{1b}.ctx",
        audit: &audit,
        profile: &profile,
        damage: None,
    }];
    let timeline = Timeline {
        cells: vec![Duration::from_secs(1), Duration::from_secs(2)],
        counters: vec![CellCounts {
            process: process(7),
            call: Call::Write,
            source: EndpointKind::File,
            sink: EndpointKind::Tcp,
            class: Some(Class::SameBuffer),
            bytes: vec![0.0, 3000.0],
            calls: vec![0.0, 3.0],
        }],
        cpu: None,
    };
    let mut export = Export::begin(|_| tempfile::tempfile()).expect("files");
    let pool = pool(&[&audit]);
    export
        .write(&recordings, &pool, 0, Some(&timeline))
        .expect("rows");
    let files = export.finish().expect("ends");
    move |table| {
        let (_, file): &(_, File) = files
            .iter()
            .find(|(name, _)| *name == table)
            .expect("a table");
        let reader = SerializedFileReader::new(file.try_clone().expect("a file"));
        let reader = reader.expect("a Parquet file");
        let rows = reader.get_row_iter(None).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    }
}

/// A column of a row, as text.
fn cell(row: &Row, name: &str) -> String {
    let mut columns = row.get_column_iter();
    let found = columns.find(|(column, _)| *column == name);
    found.expect("a column").1.to_string()
}

#[test]
fn rows_are_as_they_were_written() {
    let read = read_back();
    let recordings = read("recordings");
    assert_eq!(recordings.len(), 1);
    let id = cell(&recordings[0], "recording");
    let host = cell(&recordings[0], "host");
    assert_eq!(
        host.replace('"', ""),
        format!("unnamed {}", id.replace('"', ""))
    );
    assert_eq!(cell(&recordings[0], "hostname"), "null");
    assert_eq!(cell(&recordings[0], "duration_ns"), "3000000000");
    assert_eq!(cell(&recordings[0], "complete"), "true");
    let losses = read("losses");
    let seen: Vec<String> = losses.iter().map(|row| cell(row, "count")).collect();
    assert_eq!(
        seen,
        ["0", "3", "0", "0", "0", "0", "0", "0", "0", "0", "null"]
    );
    let flows = read("flows");
    assert_eq!(flows.len(), 3);
    assert_eq!(cell(&flows[0], "service"), "\"/usr/bin/srv\"");
    assert_eq!(cell(&flows[0], "lost"), "true");
    assert_eq!(cell(&flows[0], "bytes"), "3000");
    assert_eq!(cell(&flows[0], "container_id"), "null");
    let findings = read("findings");
    assert_eq!(cell(&findings[0], "rule"), "\"G1\"");
    assert_eq!(
        cell(&findings[0], "culprit_function"),
        "\"main.justReader.Read\""
    );
    assert!(cell(&findings[0], "read_stack").starts_with("[\"internal/runtime/syscall"));
}

#[test]
fn what_is_not_there_is_null_or_an_empty_list() {
    let read = read_back();
    let processes = read("processes");
    assert_eq!(cell(&processes[0], "cmdline"), "[\"srv\", \"-x\", \"a b\"]");
    assert_eq!(cell(&processes[0], "runtime"), "\"go\"");
    assert_eq!(cell(&processes[1], "cmdline"), "[]");
    assert_eq!(cell(&processes[1], "runtime"), "null");
    let samples = read("samples");
    assert_eq!(samples.len(), 1);
    assert_eq!(cell(&samples[0], "bytes"), "3000.0");
    assert_eq!(cell(&samples[0], "kernel_stack"), "[]");
    // Of a process that made no call nothing is known but its pid.
    let cpu = read("cpu");
    assert_eq!(cell(&cpu[0], "pid"), "9");
    assert_eq!(cell(&cpu[0], "service"), "null");
    let intervals = read("intervals");
    assert_eq!(intervals.len(), 1, "in the first nothing was written");
    assert_eq!(cell(&intervals[0], "lost"), "3000");
    assert_eq!(cell(&intervals[0], "duration_ns"), "2000000000");
}

#[test]
fn tables_and_columns_have_names_of_their_own() {
    let tables = tables();
    let names: BTreeSet<_> = tables.iter().map(|table| table.name).collect();
    assert_eq!(names.len(), tables.len());
    for table in tables {
        let columns: BTreeSet<_> = table.columns.iter().map(|[name, ..]| name).collect();
        assert_eq!(columns.len(), table.columns.len(), "{}", table.name);
    }
}
