//! The catalog for programs.

use std::io;

use serde::Serialize;

use crate::analysis::catalog::{Rule, describe};
use crate::report::json::formatter::SafeFormatter;

/// The name and version of the format.
const SCHEMA: &str = "copytax.rules/1";

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    rules: Vec<RuleEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct RuleEntry<'a> {
    id: &'a str,
    runtime: Option<&'a str>,
    versions: Option<String>,
    verdict: &'static str,
    title: &'a str,
    symptom: &'a str,
    cause: &'a str,
    fix: &'a str,
    example: Option<&'a str>,
    healthy: Option<&'a str>,
    caution: Option<&'a str>,
    references: Vec<&'a str>,
    proved_by: Vec<&'a str>,
    unproved: Option<&'a str>,
    /// Facts that must all hold, of each way to match.
    #[serde(rename = "match")]
    matches: Vec<Vec<String>>,
}

/// Writes `rules` as one JSON document and a newline.
///
/// # Errors
///
/// Those of `out`.
pub fn write_rules(out: &mut impl io::Write, rules: &[&Rule]) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        rules: rules.iter().map(|rule| RuleEntry::from(*rule)).collect(),
    };
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, SafeFormatter::new());
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

impl<'a> From<&'a Rule> for RuleEntry<'a> {
    fn from(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            runtime: rule.runtime.as_deref(),
            versions: rule.versions.as_ref().map(ToString::to_string),
            verdict: rule.verdict.name(),
            title: &rule.title,
            symptom: &rule.symptom,
            cause: &rule.cause,
            fix: &rule.fix,
            example: rule.example.as_deref(),
            healthy: rule.healthy.as_deref(),
            caution: rule.caution.as_deref(),
            references: rule.references.iter().map(|text| &**text).collect(),
            proved_by: rule.proved_by.iter().map(|text| &**text).collect(),
            unproved: rule.unproved.as_deref(),
            matches: rule.conditions.iter().map(describe).collect(),
        }
    }
}
