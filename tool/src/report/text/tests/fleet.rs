//! Many machines as one, for people and for programs.

use std::time::Duration;

use expect_test::{Expect, expect};

use crate::analysis::MatchBy;
use crate::analysis::catalog::Catalog;
use crate::analysis::fixture::{flow, profile, snapshot};
use crate::analysis::fleet::merge;
use crate::fuzzing::reports::audited;
use crate::model::EndpointKind::{File, None as NoEnd, Tcp};
use crate::model::{Audit, Call, Class, Estimate, Profile};
use crate::report::escape::width;
use crate::report::fixture::schema::assert_valid;
use crate::report::text::write_fleet;
use crate::report::{Recorded, csv, json};

const MIB: u64 = 1 << 20;

/// A machine with a server in Go that loses so much, and an nginx that does not.
fn host(name: &str, lost: u64, seconds: u64) -> (Audit, Profile) {
    let wrapper = profile::go_wrapper(Estimate {
        value: (lost * MIB) as f64,
        variance: 1e12,
    });
    let (go, nginx) = (wrapper.process.pid, 4711);
    let mut snapshot = snapshot()
        .named(go, "filesrv", &["filesrv"])
        .named(nginx, "nginx", &["nginx"])
        .with([
            flow(
                go,
                Call::Write,
                (File, Tcp),
                Class::SameBuffer,
                lost * MIB,
                100,
            ),
            flow(
                nginx,
                Call::Sendfile,
                (File, Tcp),
                Class::ZeroCopy,
                100 * MIB,
                9,
            ),
            flow(nginx, Call::Writev, (NoEnd, Tcp), Class::Generated, 243, 1),
        ]);
    snapshot.host.hostname = name.into();
    snapshot.window.duration = Duration::from_secs(seconds);
    // Each has booted at a time of its own.
    let number = name.bytes().map(u64::from).sum::<u64>();
    snapshot.window.start += Duration::from_secs(number);
    snapshot.profile.call_sites = vec![wrapper];
    audited(snapshot, Catalog::builtin())
}

fn machines() -> Vec<(Audit, Profile)> {
    let mut hosts = vec![
        host("web1", 300, 10),
        host("web2\u{1b}[31m", 100, 20),
        host("web3", 1, 10),
        host("", 2, 10),
    ];
    hosts[1].0.loss.relay_evictions = 7;
    hosts[2].0.loss.uring_unseen = None;
    hosts[2].0.is_incomplete = true;
    // The same again, of the first half.
    let mut again = host("web1", 120, 4);
    again.0.processes.pop();
    hosts.push(again);
    hosts
}

fn with_recordings<T>(
    machines: &[(Audit, Profile)],
    make: impl FnOnce(&[&Audit], &[Recorded<'_>]) -> T,
) -> T {
    let files = ["a.ctx", "b\u{1b}.ctx", "c.ctx", "d.ctx", "a2.ctx"];
    let recordings: Vec<Recorded<'_>> = machines
        .iter()
        .zip(files)
        .map(|((audit, profile), file)| Recorded {
            file,
            audit,
            profile,
            damage: (file == "d.ctx").then_some("d.ctx is damaged: its checksum is another"),
        })
        .collect();
    let audits: Vec<&Audit> = machines.iter().map(|(audit, _)| audit).collect();
    make(&audits, &recordings)
}

fn text(machines: &[(Audit, Profile)], columns: usize, expected: &Expect) {
    let mut out = Vec::new();
    with_recordings(machines, |audits, recordings| {
        let fleet = merge(audits, MatchBy::Exe);
        write_fleet(&mut out, &fleet, recordings, (columns, false), 20)
    })
    .expect("a vector takes everything");
    let text = String::from_utf8(out).expect("text");
    for line in text.lines() {
        assert!(width(line) <= columns, "{line:?} is too wide");
        assert!(!line.contains('\u{1b}'), "{line:?} steers the terminal");
        assert_eq!(line.trim_end(), line);
    }
    expected.assert_eq(&text);
}

#[test]
fn machines_that_lose_bytes() {
    text(&machines(), 80, &expect![[""]]);
}

#[test]
fn on_a_narrow_terminal() {
    text(&machines()[..2], 40, &expect![[""]]);
}

#[test]
fn machines_that_lose_nothing() {
    let mut healthy = host("web1", 1, 10);
    healthy.0.processes.remove(0);
    healthy.0.findings.clear();
    text(&[healthy], 80, &expect![[""]]);
}

#[test]
fn services_are_lines_of_csv() {
    let machines = machines();
    let mut out = Vec::new();
    with_recordings(&machines, |audits, _| {
        csv::write_fleet(&mut out, &merge(audits, MatchBy::Exe))
    })
    .expect("memory");
    expect![[""]].assert_eq(&String::from_utf8(out).expect("text").replace('\r', ""));
}

#[test]
fn the_document_is_as_its_schema_says() {
    let machines = machines();
    for by in MatchBy::ALL {
        let mut out = Vec::new();
        with_recordings(&machines, |audits, recordings| {
            json::write_fleet(&mut out, &merge(audits, *by), recordings)
        })
        .expect("memory");
        assert!(!out.contains(&0x1b), "nothing steers a terminal");
        let document: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        let schema = include_str!("../../../../../docs/merge.schema.json");
        assert_valid(schema, &document);
    }
}
