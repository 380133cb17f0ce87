//! What was recorded is what is read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::*;

/// Rows of a table have no order.
fn sorted(mut snapshot: Snapshot) -> Snapshot {
    snapshot.flows.sort_by_key(|flow| (flow.process, flow.call));
    snapshot
}

#[test]
fn all_of_it_is_the_last_snapshot() {
    for last in [1, 2, 63, 64, 65, 200] {
        let (_folder, path) = place();
        let expected = recorded(&path, last);
        let recording = Recording::open(&path).expect("a recording");
        assert!(recording.is_complete());
        let found = recording.snapshot(&Selection::default()).expect("all");
        assert_eq!(sorted(found), sorted(expected), "{last} steps");
    }
}

#[test]
fn a_part_is_the_difference() {
    let (_folder, path) = place();
    recorded(&path, 150);
    let recording = Recording::open(&path).expect("a recording");
    for (from, to) in [(10, 20), (60, 70), (0, 64), (64, 128), (130, 150)] {
        let part = recording
            .snapshot(&Selection {
                from: Some(Duration::from_secs(from)),
                to: Some(Duration::from_secs(to)),
                pids: vec![7],
            })
            .expect("a part");
        assert_eq!(part.flows.len(), 1, "{from} to {to}");
        assert_eq!(part.flows[0].bytes, 1000 * (to - from), "{from} to {to}");
        assert_eq!(part.transfers[0].count, to - from);
        assert_eq!(part.loss.relay_evictions, to - from);
        assert_eq!(part.window.duration, Duration::from_secs(to - from));
        assert_eq!(part.errors.len(), usize::from(from == 0));
        assert_eq!(part.profile.sampling.samples, 3 * (to - from));
    }
    // Sites of chunks are known at their ends, and later ones at each step.
    let part = recording
        .snapshot(&Selection {
            from: Some(Duration::from_secs(64)),
            to: Some(Duration::from_secs(130)),
            pids: Vec::new(),
        })
        .expect("a part");
    assert_eq!(part.profile.call_sites[0].samples, 66);
    let empty = recording.snapshot(&Selection {
        from: Some(Duration::from_secs(151)),
        ..Selection::default()
    });
    let said = empty.expect_err("nothing is there").to_string();
    assert!(said.contains("it is 2m 30s long"), "{said}");
}

#[test]
fn without_an_end_it_is_incomplete() {
    let (_folder, path) = place();
    let (writer, last) = record(&path, 70);
    let recording = Recording::open(&path).expect("read while it is written");
    assert!(!recording.is_complete());
    let found = recording.snapshot(&Selection::default()).expect("all");
    assert_eq!(
        sorted(found),
        Snapshot {
            is_incomplete: true,
            ..sorted(last)
        }
    );
    drop((writer, recording));
    let recording = Recording::open(&path).expect("a recording");
    assert!(!recording.is_complete());
    assert_eq!(recording.duration(), Duration::from_secs(70));
}

#[test]
fn before_the_first_step_there_is_nothing() {
    let (_folder, path) = place();
    let _writer = Writer::create(&path, OPTIONS).expect("a recording");
    let recording = Recording::open(&path).expect("a recording");
    let said = recording.snapshot(&Selection::default());
    let said = said.expect_err("nothing is there").to_string();
    assert!(said.contains("ended before the first step"), "{said}");
}

#[test]
fn it_is_for_its_owner_and_overwrites_nothing() {
    let (_folder, path) = place();
    recorded(&path, 3);
    let mode = fs::metadata(&path)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Writer::create(&path, OPTIONS);
    assert!(matches!(again, Err(RecordingError::Exists(_))));
    let overwrite = RecordingOptions {
        overwrite: true,
        ..OPTIONS
    };
    // What would be the journal of another file of this name goes, too.
    let journal = path.with_file_name("x.ctx-journal");
    fs::write(&journal, b"old").expect("written");
    drop(Writer::create(&path, overwrite).expect("a recording"));
    assert!(!journal.exists());
    let folder = path.parent().expect("a folder");
    assert!(matches!(
        Writer::create(folder, overwrite),
        Err(RecordingError::NoFile(_))
    ));
    assert!(matches!(
        Writer::create(&folder.join("none/x"), overwrite),
        Err(RecordingError::Open { .. })
    ));
}

#[test]
fn a_counter_that_joins_another_takes_its_sums_along() {
    let (_folder, path) = place();
    let mut writer = Writer::create(&path, OPTIONS).expect("a recording");
    writer.step(&after(5)).expect("a step");
    let mut joined = after(6);
    for flow in &mut joined.flows {
        flow.process = process(7);
    }
    joined.processes.remove(&process(8));
    writer.step(&joined).expect("a step");
    let recording = Recording::open(&path).expect("a recording");
    let found = recording.snapshot(&Selection::default()).expect("all");
    let key = |snapshot: &Snapshot| {
        let flows = snapshot.flows.iter();
        flows
            .map(|flow| (flow.process, flow.call, flow.bytes))
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(key(&found), key(&joined));
}

#[test]
fn facts_that_come_later_are_kept() {
    let (_folder, path) = place();
    let mut writer = Writer::create(&path, OPTIONS).expect("a recording");
    writer.step(&after(1)).expect("a step");
    let mut last = after(2);
    let facts = last.processes.get_mut(&process(7)).expect("it is named");
    facts.exited = true;
    facts.comm = "\u{1b}[31m\0\u{fffd}".to_owned();
    facts.runtime = Some(Runtime {
        name: RuntimeName::Cpp,
        version: None,
        libc: Some(Libc::Musl),
        evidence: RuntimeEvidence::NeededLibrary,
    });
    last.command = Some(CommandOutcome {
        command: vec!["sh".to_owned(), "-c \"\n".to_owned()],
        pid: 7,
        exit_code: None,
        signal: Some(9),
    });
    last.without_profile = None;
    writer.step(&last).expect("a step");
    writer.finish(&last, &[]).expect("an end");
    let recording = Recording::open(&path).expect("a recording");
    let found = recording.snapshot(&Selection::default()).expect("all");
    assert_eq!(sorted(found), sorted(last));
}

#[test]
fn a_full_file_gives_way_to_a_new_one() {
    let (folder, path) = place();
    let old = folder.path().join("x.ctx.1");
    let (writer, middle) = record(&path, 70);
    let mut writer = writer.rotate(&middle, &old).expect("a new file");
    for second in 71..=150 {
        writer.step(&after(second)).expect("a step");
    }
    writer.finish(&after(150), &[]).expect("an end");
    let all = |path| {
        let recording = Recording::open(path).expect("a recording");
        assert!(recording.is_complete());
        recording.snapshot(&Selection::default()).expect("all")
    };
    assert_eq!(sorted(all(&old)), sorted(middle));
    let rest = all(&path);
    assert_eq!(rest.window.duration, Duration::from_secs(80));
    let bytes: Vec<u64> = rest.flows.iter().map(|flow| flow.bytes).collect();
    assert_eq!(bytes, [80_000, 8000]);
    assert!(rest.errors.is_empty(), "they were before");
    assert_eq!(rest.transfers[0].count, 80);
    assert_eq!(rest.loss.relay_evictions, 80);
    assert_eq!(rest.profile.call_sites.len(), 1);
    assert_eq!(rest.profile.call_sites[0].samples, 80);
    assert_eq!(rest.profile.cpu[0].time, Duration::from_millis(800));
    assert_eq!(rest.profile.sampling.samples, 240);
}

#[test]
fn what_is_redacted_is_not_in_the_file() {
    let (_folder, path) = place();
    let options = RecordingOptions {
        redacted: true,
        ..OPTIONS
    };
    let mut redactor = Redactor::default();
    let mut last = after(70);
    last.command = Some(CommandOutcome {
        command: vec!["/secret/srv".to_owned(), "--password=x".to_owned()],
        pid: 7,
        exit_code: Some(0),
        signal: None,
    });
    let mut writer = Writer::create(&path, options).expect("a recording");
    writer.step(&redactor.redacted(after(69))).expect("a step");
    let last = redactor.redacted(last);
    writer.step(&last).expect("a step");
    writer.finish(&last, &[]).expect("an end");
    let bytes = fs::read(&path).expect("it is there");
    for secret in [
        "/srv/iso",
        "198.51.100",
        "/home/ada",
        "a b",
        "web1",
        "/opt/filesrv",
        "secret",
        "password",
        "system.slice",
    ] {
        let found = memchr::memmem::find(&bytes, secret.as_bytes());
        assert_eq!(found, None, "{secret}");
    }
    for kept in ["main.go", "justReader", "/usr/sbin/nginx"] {
        assert!(
            memchr::memmem::find(&bytes, kept.as_bytes()).is_some(),
            "{kept}"
        );
    }
    let recording = Recording::open(&path).expect("a recording");
    let found = recording.snapshot(&Selection::default()).expect("all");
    assert_eq!(sorted(found), sorted(last));
}

/// One of the first version has no builds.
#[test]
fn older_versions_are_read() {
    let (_folder, path) = place();
    let (writer, mut last) = {
        let mut writer = Writer::create(&path, OPTIONS).expect("a recording");
        let mut last = after(70);
        last.profile.builds.clear();
        writer.step(&last).expect("a step");
        (writer, last)
    };
    drop(writer);
    Connection::open(&path)
        .and_then(|file| file.execute_batch("DROP TABLE build; PRAGMA user_version = 1"))
        .expect("as it was");
    last.is_incomplete = true;
    let recording = Recording::open(&path).expect("a recording");
    let found = recording.snapshot(&Selection::default()).expect("all");
    assert_eq!(sorted(found), sorted(last));
}
