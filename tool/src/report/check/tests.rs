//! Outputs of checks of an audit made by hand.

use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::analysis::catalog::Catalog;
use crate::analysis::policy::{Policy, evaluate, parse};
use crate::model::{Audit, CommandOutcome};
use crate::report::fixture::schema::assert_valid;
use crate::report::fixture::{findings, hostile_findings, nothing_moved};

const POLICY: &str = "[[policy]]\nmin_hit_rate = 0.999\nforbid = [\"fixable\", \"kernel_copied\"]\n\
                      [[policy]]\nprocess = \"none<such>\"\nmax_lost_bytes = 0\n";

fn policies() -> Vec<Policy> {
    parse(POLICY, Catalog::builtin()).expect("a policy")
}

fn text(audit: &Audit, write: impl Fn(&mut Vec<u8>, &[Check<'_>]) -> io::Result<()>) -> String {
    let policies = policies();
    let mut out = Vec::new();
    write(&mut out, &evaluate(&policies, audit)).expect("memory");
    String::from_utf8(out).expect("text")
}

#[test]
fn people_are_told_why() {
    let said = text(&findings(), |out, checks| write(out, checks, (80, false)));
    assert!(said.starts_with("FAIL all processes: hit rate "), "{said}");
    assert!(said.contains("is below 99.9%"), "{said}");
    assert!(said.contains("fix: "), "{said}");
    assert!(
        said.contains("FAIL none<such>: there is no such process"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("checks failed"), "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
}

#[test]
fn formats_are_well_formed() {
    for audit in [findings(), hostile_findings()] {
        let xml = text(&audit, |out, checks| {
            write_junit(out, checks, Duration::from_millis(1500))
        });
        let document = roxmltree::Document::parse(&xml).expect("XML");
        let failures = document
            .descendants()
            .filter(|node| node.has_tag_name("failure"));
        let count = failures.count();
        assert!(count >= 2, "{xml}");
        let suite = document
            .root_element()
            .first_element_child()
            .expect("a suite");
        assert_eq!(
            suite.attribute("failures"),
            Some(count.to_string().as_str())
        );
        assert_eq!(suite.attribute("time"), Some("1.500"));

        let sarif = text(&audit, |out, checks| write_sarif(out, checks, "/home/ada"));
        let sarif: Value = serde_json::from_str(&sarif).expect("JSON");
        let results = sarif["runs"][0]["results"].as_array().expect("results");
        assert!(results.len() >= 2);
        assert!(
            results
                .iter()
                .all(|result| result["message"]["text"].is_string())
        );

        let json = text(&audit, write_json);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_valid(include_str!("../../../../docs/check.schema.json"), &json);
        assert_eq!(json["passed"], false);
        assert_eq!(json["checks"].as_array().map(Vec::len), Some(4));
    }
}

#[test]
fn places_are_told_from_the_root_of_the_sources() {
    let audit = findings();
    let lines = text(&audit, |out, checks| {
        write_github(out, checks, "/home/ada/filesrv")
    });
    assert!(
        lines.contains("::error file=internal/wrap/reader.go,line=94,title=copytax::"),
        "{lines}"
    );
    let sarif = text(&audit, |out, checks| {
        write_sarif(out, checks, "/home/ada/filesrv")
    });
    assert!(
        sarif.contains("\"uri\": \"internal/wrap/reader.go\""),
        "{sarif}"
    );
    let outside = text(&audit, |out, checks| write_sarif(out, checks, "/elsewhere"));
    assert!(
        outside.contains("file:///home/ada/filesrv/internal/wrap/reader.go"),
        "{outside}"
    );
}

/// Each condition has its line in the schema.
#[test]
fn all_conditions_are_valid_json() {
    let policy = "[[policy]]\nmin_hit_rate = 0.5\nmax_lost_bytes = 9\nmax_lost_share = 0.5\n\
                  forbid = [\"G1\"]\n[[policy]]\nprocess = \"none\"\nmax_lost_bytes = 9\n";
    let policies = parse(policy, Catalog::builtin()).expect("a policy");
    for mut audit in [findings(), nothing_moved()] {
        audit.command = Some(CommandOutcome {
            command: vec!["false".to_owned()],
            pid: 7,
            exit_code: Some(1),
            signal: None,
        });
        let mut out = Vec::new();
        write_json(&mut out, &evaluate(&policies, &audit)).expect("memory");
        let json: Value = serde_json::from_slice(&out).expect("JSON");
        let checks = json["checks"].as_array().expect("checks");
        assert_eq!(checks.len(), 6, "{json}");
        assert_valid(include_str!("../../../../docs/check.schema.json"), &json);
    }
}

/// What a process calls itself cannot make another annotation, or steer a terminal.
#[test]
fn names_do_no_harm() {
    let audit = hostile_findings();
    for text in [
        text(&audit, |out, checks| write_github(out, checks, "/")),
        text(&audit, |out, checks| write(out, checks, (80, false))),
        text(&audit, |out, checks| {
            write_junit(out, checks, Duration::ZERO)
        }),
        text(&audit, |out, checks| write_sarif(out, checks, "/")),
        text(&audit, write_json),
    ] {
        let is_bad = |c: char| c.is_control() && c != '\n';
        assert!(
            !text.contains(is_bad) && !text.contains('\u{202e}'),
            "{text}"
        );
    }
    let lines = text(&audit, |out, checks| write_github(out, checks, "/"));
    assert!(
        lines.lines().all(|line| line.starts_with("::error ")),
        "{lines}"
    );
}
