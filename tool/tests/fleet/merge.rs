//! What is said of all is what is said of each, added up.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::hosts::{CUT_SHORT, HOSTS, TWICE, WITHOUT_URING, record_all};
use crate::tool::{json, list, number, run, said};

const CLASSES: [&str; 9] = [
    "zero_copy",
    "staged",
    "lost",
    "bounced",
    "mapped",
    "transformed",
    "generated",
    "unknown",
    "kernel_copied",
];

/// Sums of single reports.
#[derive(Default)]
struct Sums {
    classes: BTreeMap<&'static str, u64>,
    /// By executable, without its folder: a redacted recording has none.
    lost: BTreeMap<String, u64>,
    /// By rule and function.
    findings: BTreeMap<(String, String), u64>,
    evictions: u64,
}

impl Sums {
    fn add(&mut self, report: &Value) -> Result<()> {
        for class in CLASSES {
            let bytes = number(report, &format!("/totals/bytes/{class}"))?;
            *self.classes.entry(class).or_default() += bytes;
        }
        for process in list(report, "processes")? {
            let service = base(process["exe"].as_str());
            *self.lost.entry(service).or_default() += number(process, "/bytes/lost")?;
        }
        for finding in list(report, "findings")? {
            *self.findings.entry(key(finding)).or_default() += number(finding, "/bytes")?;
        }
        self.evictions += number(report, "/loss/relay_evictions")?;
        Ok(())
    }
}

fn base(path: Option<&str>) -> String {
    let name = path.and_then(|path| path.rsplit('/').next());
    name.unwrap_or_default().to_owned()
}

fn key(finding: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        text(&finding["rule"]),
        text(&finding["culprit"]["function"]),
    )
}

#[test]
fn totals_are_the_sums_of_single_reports() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    let mut sums = Sums::default();
    for file in &files {
        sums.add(&json("report", std::slice::from_ref(file), &[])?)?;
    }
    let fleet = json("merge", &files, &[])?;
    assert_eq!(fleet["schema"], "copytax.merge/1");
    assert_eq!(number(&fleet, "/totals/hosts")?, HOSTS);
    for class in CLASSES {
        let bytes = number(&fleet, &format!("/totals/bytes/{class}"))?;
        assert_eq!(bytes, sums.classes[class], "{class}");
    }
    let mut lost: BTreeMap<String, u64> = BTreeMap::new();
    for service in list(&fleet, "services")? {
        let name = base(service["name"].as_str());
        *lost.entry(name).or_default() += number(service, "/bytes/lost")?;
    }
    assert_eq!(lost, sums.lost);
    let mut findings: BTreeMap<(String, String), u64> = BTreeMap::new();
    for finding in list(&fleet, "findings")? {
        *findings.entry(key(finding)).or_default() += number(finding, "/bytes")?;
    }
    assert!(findings.contains_key(&("G1".to_owned(), "main.justReader.Read".to_owned())));
    assert_eq!(findings, sums.findings);
    assert_eq!(
        number(&fleet, "/loss/relay_evictions/count")?,
        sums.evictions
    );
    assert_eq!(number(&fleet, "/loss/uring_unseen/unknown_in")?, 1);
    assert_eq!(WITHOUT_URING, 11, "whose it is");
    Ok(())
}

/// Each host's bytes by its own seconds: of a host with two recordings by those of both.
#[test]
fn rates_are_of_the_time_of_each_host() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    let fleet = json("merge", &files, &[])?;
    let mut expected = 0.0;
    for host in list(&fleet, "hosts")? {
        let recordings = list(host, "recordings")?.len() as u64;
        let is_twice = host["name"] == format!("web{TWICE:02}");
        assert_eq!(recordings, 1 + u64::from(is_twice), "{host}");
        let seconds = number(host, "/recorded_ns")? as f64 / 1e9;
        let rate = number(host, "/bytes/lost")? as f64 / seconds;
        expected += rate;
        if is_twice {
            assert!((seconds - 2.0 * (10 + TWICE) as f64).abs() < 1e-9);
        }
    }
    let rate = fleet["totals"]["lost_per_second"].as_f64();
    let rate = rate.context("a rate")?;
    assert!((rate / expected - 1.0).abs() < 1e-9, "{rate} {expected}");
    Ok(())
}

#[test]
fn what_recordings_lack_is_said_beside_the_totals() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    let mut arguments = vec!["merge".into()];
    arguments.extend(files.iter().cloned());
    let output = run(&arguments)?;
    let text = String::from_utf8(output.stdout)?;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "loss: relay_evictions",
        "loss: uring_unseen cannot be known in 1 of 25 recordings",
        &format!("web{CUT_SHORT:02}.ctx"),
        "1 host has no name",
        "recordings: 25 of 24 hosts, 10 s to 33 s each",
    ] {
        assert!(words.contains(said), "{said} in {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    Ok(())
}

#[test]
fn the_same_file_twice_counts_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    let once = json("merge", &files[..2], &[])?;
    let copy = folder.path().join("copy.ctx");
    fs::copy(&files[1], &copy)?;
    let twice = json("merge", &[files[0].clone(), files[1].clone(), copy], &[])?;
    for name in ["totals", "services", "findings"] {
        assert_eq!(once[name], twice[name]);
    }
    let left_out = &list(&twice, "recordings")?[2]["left_out"];
    let whole = &list(&once, "recordings")?[1]["bytes"];
    assert_eq!(&left_out["bytes"], whole);
    assert!(
        left_out["counted_from"][0]
            .as_str()
            .is_some_and(|file| file.ends_with("web01.ctx"))
    );
    Ok(())
}

#[test]
fn damaged_files_are_partial_and_said_to_be() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    // A row that is not as it was written, and so another checksum.
    let connection = rusqlite::Connection::open(&files[1])?;
    connection.execute_batch("UPDATE counter_step SET bytes = bytes + 1 WHERE step = 2")?;
    drop(connection);
    let fleet = json("merge", &files[..3], &[])?;
    let damage = &list(&fleet, "recordings")?[1]["damage"];
    ensure!(
        damage
            .as_str()
            .is_some_and(|damage| damage.contains("checksum")),
        "{damage}"
    );
    // Of nothing but a beginning there is nothing left.
    fs::write(&files[2], &fs::read(&files[2])?[..1000])?;
    let output = run(["merge".into(), files[0].clone(), files[2].clone()])?;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty());
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("copytax: ") && last.contains("web02.ctx is damaged"),
        "{said}"
    );
    Ok(())
}

#[test]
fn services_are_lines_of_csv() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = record_all(folder.path())?;
    let mut arguments = vec!["merge".into()];
    arguments.extend(files.iter().cloned());
    arguments.extend(["--by=comm".into(), "--format=csv".into()]);
    let csv = String::from_utf8(run(&arguments)?.stdout)?;
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert!(lines[0].starts_with("service,hosts,processes,egress,lost,"));
    assert!(lines[1].starts_with("\"filesrv\",12,12,"), "{csv}");
    assert_eq!(lines.len(), 4 + 2, "{csv}");
    Ok(())
}
