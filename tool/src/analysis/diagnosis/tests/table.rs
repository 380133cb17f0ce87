//! Each rule against what it must match, and against what comes near and must not match.

use std::collections::BTreeSet;

use super::scene::Scene;
use super::{go, kernel, managed, servers};
use crate::analysis::catalog::Catalog;
use crate::model::Verdict;

/// A rule, what it is about, and what it is not about.
pub(super) struct Case {
    pub(super) rule: &'static str,
    pub(super) matches: &'static [Scene],
    /// Each differs from one of `matches` in the one thing that matters.
    pub(super) misses: &'static [Scene],
}

fn cases() -> impl Iterator<Item = &'static Case> {
    let all = [go::CASES, servers::CASES, managed::CASES, kernel::CASES];
    all.into_iter().flatten()
}

#[test]
fn rules_match_what_they_are_about() {
    for case in cases() {
        let rule = Catalog::builtin().get(case.rule).expect(case.rule);
        for scene in case.matches {
            let found = scene.rule();
            // What is healthy is in no finding at all.
            let expected = (rule.verdict != Verdict::Healthy).then_some(case.rule);
            assert_eq!(found.as_deref(), expected, "{}: {scene:?}", case.rule);
            if expected.is_none() {
                assert!(scene.findings().is_empty(), "{}: {scene:?}", case.rule);
            }
        }
    }
}

#[test]
fn rules_do_not_match_what_comes_near() {
    for case in cases() {
        for scene in case.misses {
            assert_ne!(scene.rule().as_deref(), Some(case.rule), "{scene:?}");
        }
    }
}

#[test]
fn every_rule_has_its_cases() {
    let have: BTreeSet<&str> = cases()
        .filter(|case| !case.matches.is_empty() && !case.misses.is_empty())
        .map(|case| case.rule)
        .collect();
    let all: BTreeSet<&str> = Catalog::builtin()
        .rules()
        .iter()
        .map(|rule| &*rule.id)
        .collect();
    assert_eq!(have, all);
}
