//! `--fail-on`, `--only` and `--ignore`.

use expect_test::expect;
use proptest::prelude::{any, proptest};

use super::scene::{DOWNLOAD, Scene};
use crate::analysis::diagnosis::{FailOn, Selection, parse_verdict};
use crate::model::{Finding, Verdict};

/// A fixable one of 60% and a transforming one of 30%.
fn findings() -> Vec<Finding> {
    let with = |scene: Scene, share| {
        let mut findings = scene.findings();
        findings[0].share = Some(share);
        findings.remove(0)
    };
    vec![
        with(
            Scene {
                runtime: "nginx",
                ..DOWNLOAD
            },
            0.6,
        ),
        with(
            Scene {
                class: crate::model::Class::TlsRecord,
                ..DOWNLOAD
            },
            0.3,
        ),
    ]
}

fn fails(text: &str, findings: &[Finding]) -> bool {
    let fail_on: FailOn = text.parse().expect("well written");
    fail_on.offender(findings).is_some()
}

#[test]
fn a_run_fails_on_a_verdict_from_a_share_on() {
    let findings = findings();
    for text in [
        "fixable",
        "fixable:60%",
        "fixable:0.6",
        "transforming:0.3",
        "fixable:0",
    ] {
        assert!(fails(text, &findings), "{text}");
    }
    for text in [
        "fixable:61%",
        "transforming:0.31",
        "architectural",
        "unknown",
    ] {
        assert!(!fails(text, &findings), "{text}");
    }
    // Shares of one process are added.
    let mut twice = [findings[0].clone(), findings[0].clone()];
    twice[1].share = Some(0.4);
    assert!(fails("fixable:100%", &twice));
    twice[1].process.pid += 1;
    assert!(!fails("fixable:100%", &twice));
}

#[test]
fn findings_are_selected() {
    let rules = |findings: Vec<Finding>| -> Vec<String> {
        let rules = findings.iter().flat_map(|finding| &finding.rule);
        rules.map(|rule| rule.to_string()).collect()
    };
    let all = Selection::default();
    assert_eq!(rules(all.shown(all.considered(findings()))), ["N1", "T1"]);
    let ignoring = Selection {
        ignore: vec!["n1".to_owned()],
        ..Selection::default()
    };
    assert_eq!(rules(ignoring.considered(findings())), ["T1"]);
    let only = Selection {
        only: vec![Verdict::Fixable],
        ..Selection::default()
    };
    assert_eq!(rules(only.considered(findings())), ["N1", "T1"]);
    assert_eq!(rules(only.shown(findings())), ["N1"]);
}

#[test]
fn what_is_wrong_is_said() {
    let said = |text: &str| text.parse::<FailOn>().expect_err(text).to_string();
    expect!["there is no verdict `fixed`; there are fixable, transforming, too_small, deliberate, architectural, kernel_copied, unknown"]
        .assert_eq(&said("fixed"));
    for share in ["", "x", "-1", "1.1", "101%", "NaN", "inf"] {
        let text = said(&format!("fixable:{share}"));
        assert_eq!(
            text,
            format!("`{share}` is no share; write it like 5% or 0.05")
        );
    }
    assert!(parse_verdict("healthy").is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = text.parse::<FailOn>();
    }
}
