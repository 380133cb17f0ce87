//! Comparisons for people and for programs.

use std::time::Duration;

use expect_test::expect;

use crate::analysis::MatchBy;
use crate::analysis::audit;
use crate::analysis::comparison::{Comparison, ComparisonOptions, Run, compare};
use crate::analysis::fixture::{flow, process, profile, snapshot};
use crate::model::EndpointKind::{File, Tcp};
use crate::model::{
    Audit, Call, CallSite, CellCounts, Class, Estimate, Profile, SiteKind, Timeline,
};
use crate::report::fixture::schema::assert_valid;
use crate::report::json;
use crate::report::text::write_comparison;

const SECONDS: usize = 30;

/// A server that sends a file, or reads and writes it; `name` is its argument.
fn side(name: &str, class: Class, site: CallSite) -> (Audit, Profile, Timeline) {
    let (call, calls) = match class {
        Class::ZeroCopy => (Call::Sendfile, 8.0),
        _ => (Call::Write, 3052.0),
    };
    let timeline = Timeline {
        cells: vec![Duration::from_secs(1); SECONDS],
        counters: vec![CellCounts {
            process: process(7),
            call,
            source: File,
            sink: Tcp,
            class: Some(class),
            bytes: vec![1e8; SECONDS],
            calls: (0_u8..30)
                .map(|second| calls + f64::from(second % 3))
                .collect(),
        }],
        cpu: Some([(process(7), vec![2e7; SECONDS])].into()),
    };
    let snapshot = snapshot()
        .named(7, "srv\u{1b}[31m", &["srv", name])
        .with([flow(7, call, (File, Tcp), class, 3_000_000_000, 240)]);
    let profile = Profile {
        call_sites: vec![CallSite {
            process: process(7),
            samples: 400,
            ..site
        }],
        ..Profile::default()
    };
    (audit(snapshot), profile, timeline)
}

fn comparison() -> Comparison {
    let bytes = Estimate {
        value: 3e9,
        variance: 2.25e16,
    };
    let sent = CallSite {
        kind: SiteKind::ZeroCopy,
        call: Call::Sendfile,
        class: Class::ZeroCopy,
        read: None,
        write: profile::native("/srv/app", &["sendfile", "send\u{1b}_file", "main"]),
        ..profile::nginx(bytes)
    };
    let base = side("plain", Class::ZeroCopy, sent);
    let new = side("wrapped", Class::SameBuffer, profile::go_wrapper(bytes));
    let options = ComparisonOptions {
        by: MatchBy::Program,
        threshold: 0.01,
    };
    compare(&[run(&base)], &[run(&new)], &options)
}

fn run((audit, profile, timeline): &(Audit, Profile, Timeline)) -> Run<'_> {
    Run {
        audit,
        profile,
        timeline,
    }
}

#[test]
fn a_lost_fast_path() {
    let mut out = Vec::new();
    let sides = ("a.ctx, 30.0 s", "b.ctx, 30.0 s");
    write_comparison(&mut out, &comparison(), sides, (80, false), 10).expect("memory");
    expect![[r#"
        srv\x1b[31m got worse: the hit rate fell from 100.0% to 0.0%.

        base: a.ctx, 30.0 s; new: b.ctx, 30.0 s

        srv\x1b[31m (1 process)
          hit rate          100.0% -> 0.0%            lower by 100.0 ±0.0 points
          lost per second   0 B -> 95.4 MiB           more by 95.4 MiB ±0 B
          lost per GB sent  0 B -> 953.7 MiB          more by 953.7 MiB ±0 B
          calls per GB sent 90 -> 30,530              more by 30,440 ±3
          CPU per GB sent   200.0 ms -> 200.0 ms      no change
          gone: sendfile by send\x1b_file, file -> tcp, 2.8 GiB ±280.4 MiB
          new: read+write by main.justReader.Read (main.go:18), file -> tcp, 2.8 GiB
            ±280.4 MiB
    "#]]
    .assert_eq(&String::from_utf8(out).expect("text"));
}

#[test]
fn programs_get_numbers() {
    let mut out = Vec::new();
    let names = ["a.ctx".to_owned()];
    json::write_comparison(&mut out, &comparison(), &names, &names).expect("memory");
    let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_valid(include_str!("../../../../../docs/diff.schema.json"), &json);
    assert_eq!(json["schema"], "copytax.diff/1");
    assert_eq!(json["worse"], true);
    let hit_rate = &json["groups"][0]["metrics"][0];
    assert_eq!(hit_rate["metric"], "hit_rate");
    assert_eq!(hit_rate["base"], 1.0);
    assert_eq!(hit_rate["change"], "down");
    assert_eq!(hit_rate["quality"], "worse");
    let cpu = &json["groups"][0]["metrics"][4];
    assert!(cpu["change"].is_null(), "{cpu}");
    assert_eq!(json["groups"][0]["sites"].as_array().map(Vec::len), Some(2));
}
