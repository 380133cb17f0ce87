//! The profile against what was put in, and against what `go tool pprof` makes of it.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::proptest;

use super::proto::Profile;
use super::{verify, write};
use crate::report::fixture::profile::{self, Fixture};
use crate::report::graph::{GraphOptions, Only, Side};

/// Of the Go releases of the testbed it is this one that brings `pprof` along.
const GO: &str = "1.22.10";

const ALL: GraphOptions = GraphOptions {
    weight: crate::report::graph::Weight::Bytes,
    only: Only::All,
    side: Side::Both,
    reverse: false,
};

fn compressed(fixture: &Fixture, options: &GraphOptions) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, &fixture.sampled(), options).expect("a vector takes everything");
    out
}

fn decoded(fixture: &Fixture, options: &GraphOptions) -> Profile {
    verify::decoded(&compressed(fixture, options))
}

fn text(profile: &Profile, number: i64) -> &str {
    &profile.string_table[usize::try_from(number).expect("a number of a string")]
}

/// Sums of all samples, by type.
fn totals(profile: &Profile) -> BTreeMap<&str, i64> {
    let types = profile.sample_type.iter().enumerate();
    types
        .map(|(index, of)| {
            let values = profile.sample.iter().map(|sample| sample.value[index]);
            (text(profile, of.r#type), values.sum())
        })
        .collect()
}

#[test]
fn what_is_put_in_comes_out() {
    let profile = decoded(&profile::machine(), &ALL);
    let totals = totals(&profile);
    assert_eq!(
        totals["bounced_bytes"],
        (1986 + 41 + 512 + 188 + 96 + 64 + 9) << 20
    );
    assert_eq!(totals["zero_copy_bytes"], 812 << 20);
    assert_eq!(totals["cpu"], 842 * 10_101_010);
    assert_eq!(text(&profile, profile.default_sample_type), "bounced_bytes");
    assert_eq!(profile.period, 1 << 20);
    assert_eq!(profile.duration_nanos, 10_000_000_000);
    let comment = text(&profile, profile.comment[0]);
    assert!(comment.contains("0 lost"), "{comment}");

    let labels: Vec<(&str, &str, i64)> = profile.sample[0]
        .label
        .iter()
        .map(|label| {
            (
                text(&profile, label.key),
                text(&profile, label.str),
                label.num,
            )
        })
        .collect();
    assert_eq!(
        labels,
        [
            ("pid", "", 81_234),
            ("comm", "filesrv", 0),
            ("file", "/srv/iso/debian.iso", 0),
            ("peer", "198.51.100.7:51234", 0),
            ("evidence", "same_buffer", 0),
        ]
    );
}

#[test]
fn modules_have_their_build_ids() {
    let profile = decoded(&profile::machine(), &ALL);
    let id = |module: &str| {
        let mut mappings = profile.mapping.iter();
        let mapping = mappings.find(|mapping| text(&profile, mapping.filename) == module);
        mapping.map(|mapping| text(&profile, mapping.build_id))
    };
    assert_eq!(id("/opt/filesrv/bin/filesrv"), Some("0a1b2c"));
    assert_eq!(id("[kernel]"), Some(""));
}

#[test]
fn inlined_functions_share_a_place() {
    let profile = decoded(&profile::machine(), &ALL);
    let place = profile
        .location
        .iter()
        .map(|location| {
            let lines = location.line.iter();
            lines
                .map(|line| {
                    let function =
                        &profile.function[usize::try_from(line.function_id - 1).expect("small")];
                    (text(&profile, function.name), line.line)
                })
                .collect::<Vec<_>>()
        })
        .find(|lines| lines.iter().any(|line| line.0 == "main.justReader.Read"));
    assert_eq!(
        place,
        Some(vec![("main.justReader.Read", 18), ("io.copyBuffer", 429)])
    );
}

proptest! {
    #[test]
    fn every_number_refers_to_something(
        fixture in profile::any(),
        options in profile::any_options(),
    ) {
        verify(&compressed(&fixture, &options));
    }
}

/// `go`, or `None` where none is installed; with CI set it has to be.
fn go() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let told = env::var_os("COPYTAX_TESTBED").map(PathBuf::from);
    let testbed = told.or_else(|| workspace.map(|folder| folder.join("target/testbed")))?;
    let go = testbed.join(format!("go-{GO}/go/bin/go"));
    if go.is_file() {
        return Some(go);
    }
    let in_ci = env::var_os("CI")
        .is_some_and(|value| !value.is_empty() && value != "false" && value != "0");
    assert!(!in_ci, "no Go {GO} in {testbed:?}");
    None
}

/// What `go tool pprof` prints of the profile.
fn pprof(go: &Path, arguments: &[&str], profile: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("profile.pb.gz");
    std::fs::write(&file, profile).expect("a file");
    let output = Command::new(go)
        .args(["tool", "pprof", "-symbolize=none"])
        .args(arguments)
        .arg(&file)
        .env("HOME", folder.path())
        .env("PPROF_TMPDIR", folder.path())
        .output()
        .expect("go runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn go_tool_pprof_has_the_same_totals() {
    let Some(go) = go() else {
        use std::io::Write as _;
        // Not by eprintln!, which the harness keeps to itself when a test passes.
        writeln!(std::io::stderr(), "skipped: no Go {GO}").expect("stderr");
        return;
    };
    let machine = profile::machine();
    let profile = compressed(&machine, &ALL);
    let sums = decoded(&machine, &ALL);
    for (index, total) in totals(&sums) {
        let unit = if index == "cpu" { "ns" } else { "B" };
        let unit = format!("-unit={unit}");
        let index_argument = format!("-sample_index={index}");
        let top = pprof(
            &go,
            &["-top", "-nodecount=1000", &unit, &index_argument],
            &profile,
        );
        let shown = top
            .lines()
            .find(|line| line.contains("% of "))
            .unwrap_or(&top);
        let shown = shown.rsplit("% of ").next().unwrap_or_default();
        let number = shown.split(' ').next().unwrap_or_default();
        let digits = number.trim_end_matches(|c: char| c.is_alphabetic());
        assert_eq!(digits.parse(), Ok(total), "{index}: {top}");
    }
    let lines = pprof(
        &go,
        &["-top", "-lines", "-cum", "-nodecount=1000"],
        &profile,
    );
    let wrapper = lines
        .lines()
        .find(|line| line.contains("main.justReader.Read"));
    let wrapper = wrapper.unwrap_or_else(|| panic!("{lines}"));
    assert!(wrapper.contains("main.go:18"), "{wrapper}");
    assert!(wrapper.ends_with("(inline)"), "{wrapper}");
    let tags = pprof(&go, &["-tags"], &profile);
    assert!(tags.contains("/srv/iso/debian.iso"), "{tags}");
    // Names that are hostile to a terminal are a matter of the viewer, but they must open.
    pprof(&go, &["-top"], &compressed(&profile::hostile(), &ALL));
}
