//! Findings, and the pages of rules.

use expect_test::expect_file;

use super::{OPTIONS, narrow, text};
use crate::analysis::catalog::Catalog;
use crate::report::escape::{is_unsafe, width};
use crate::report::fixture;
use crate::report::text::{TextOptions, write_rule, write_rules};

#[test]
fn a_machine_with_findings() {
    let audit = fixture::findings();
    expect_file!["../../golden/findings-80.txt"].assert_eq(&text(&audit, &OPTIONS));
    expect_file!["../../golden/findings-40.txt"].assert_eq(&text(&audit, &narrow()));
}

#[test]
fn hostile_functions() {
    let audit = fixture::hostile_findings();
    expect_file!["../../golden/hostile-findings-80.txt"].assert_eq(&text(&audit, &OPTIONS));
    let _ = text(&audit, &narrow());
}

#[test]
fn only_fixable_findings_are_coloured() {
    let options = TextOptions {
        color: true,
        ..OPTIONS
    };
    let text = text(&fixture::findings(), &options);
    assert!(text.contains("1. \x1b[31mfixable\x1b[0m: Go"), "{text}");
    assert!(text.contains(". architectural: The kernel"), "{text}");
}

fn page(id: &str, columns: usize, color: bool) -> String {
    let rule = Catalog::builtin().get(id).expect("it is there");
    let mut out = Vec::new();
    write_rule(&mut out, rule, columns, color).expect("a vector takes everything");
    String::from_utf8(out).expect("text")
}

#[test]
fn the_page_of_a_rule() {
    expect_file!["../../golden/rule-G5.txt"].assert_eq(&page("G5", 80, false));
    assert!(page("G5", 80, true).starts_with("\x1b[1mG5  "));
}

#[test]
fn every_page_fits_80_columns() {
    for rule in Catalog::builtin().rules() {
        for line in page(&rule.id, 80, false).lines() {
            let is_address = line.contains("https://");
            assert!(is_address || width(line) <= 80, "{}: {line}", rule.id);
            assert!(!line.chars().any(is_unsafe), "{}: {line}", rule.id);
            assert_eq!(line.trim_end(), line, "{}", rule.id);
        }
    }
}

#[test]
fn the_list_of_rules() {
    let rules: Vec<_> = Catalog::builtin().rules().iter().collect();
    for columns in [40, 80] {
        let mut out = Vec::new();
        write_rules(&mut out, &rules, columns, false).expect("a vector takes everything");
        let list = String::from_utf8(out).expect("text");
        for line in list.lines() {
            assert!(width(line) <= columns, "{line}");
        }
        assert!(rules.iter().all(|rule| list.contains(&*rule.id)));
    }
}

/// The rules of users may hold anything.
#[test]
fn rules_cannot_steer_the_terminal() {
    let toml = r#"id = "X"
verdict = "fixable"
title = "a\u001b[31mb"
symptom = "\u202e"
cause = "c"
fix = "f"
example = "\ta\u0007\n\\n"
[[match]]
lost = true
"#;
    let catalog = Catalog::default()
        .with(&[("x.toml", toml)])
        .expect("a rule");
    let mut out = Vec::new();
    write_rule(&mut out, &catalog.rules()[0], 80, false).expect("a vector takes everything");
    let page = String::from_utf8(out).expect("text");
    assert!(
        page.lines().all(|line| !line.chars().any(is_unsafe)),
        "{page}"
    );
    // Examples are to be copied.
    assert!(page.contains("\n    \\n\n"), "{page}");
}
