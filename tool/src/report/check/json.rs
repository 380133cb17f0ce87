//! The checks for programs.

use std::io;

use serde_json::{Value, json};

use crate::analysis::policy::{Check, Demand, Found};
use crate::report::check::message::said;
use crate::report::json::to_writer;

/// The name and version of the format.
const SCHEMA: &str = "copytax.check/1";

/// Writes the checks as one JSON document and a newline.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, checks: &[Check<'_>]) -> io::Result<()> {
    let passed = checks.iter().all(|check| check.holds);
    let checks: Vec<Value> = checks.iter().map(entry).collect();
    to_writer(
        out,
        &json!({ "schema": SCHEMA, "passed": passed, "checks": checks }),
    )
}

fn entry(check: &Check<'_>) -> Value {
    let because: Vec<Value> = check
        .because
        .iter()
        .map(|finding| {
            let culprit = finding.culprit.as_ref();
            json!({
                "rule": finding.rule.as_deref(),
                "verdict": finding.verdict.name(),
                "pid": finding.process.pid,
                "bytes": finding.bytes.value,
                "function": culprit.and_then(|frame| frame.function.as_deref()),
                "file": culprit.and_then(|frame| frame.file.as_deref()),
                "line": culprit.and_then(|frame| frame.line),
                "fix": finding.fix.as_deref(),
            })
        })
        .collect();
    json!({
        "condition": check.condition.name(),
        "process": check.process.map(|glob| glob.as_str()),
        "holds": check.holds,
        "demanded": match check.demand {
            Demand::Holds => Value::Null,
            Demand::Share(share) => json!(share),
            Demand::Bytes(bytes) => json!(bytes),
            Demand::None(forbidden) => json!(forbidden.name()),
        },
        "found": match check.found {
            Found::Share(share) => json!(share),
            Found::Bytes(bytes) => json!(bytes),
            Found::Count(count) => json!(count),
            Found::Status(code, signal) => json!({ "exit_code": code, "signal": signal }),
        },
        "message": said(check),
        "because": because,
    })
}
