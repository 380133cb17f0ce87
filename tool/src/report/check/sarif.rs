//! SARIF 2.1.0, as code scanning reads it: a result for each cause of each check that does not hold.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::collections::BTreeMap;
use std::io;

use serde_json::{Value, json};

use crate::analysis::policy::Check;
use crate::model::Finding;
use crate::report::check::message::{cause, said, source};

/// Writes it. Files below `root` are named from there.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut impl io::Write, checks: &[Check<'_>], root: &str) -> io::Result<()> {
    let mut rules = BTreeMap::new();
    let mut results = Vec::new();
    for check in checks.iter().filter(|check| !check.holds) {
        let id = check.condition.name().to_owned();
        if check.because.is_empty() {
            rules.insert(id.clone(), json!({ "id": id }));
            results.push(json!({
                "ruleId": id, "level": "error", "message": { "text": said(check) },
            }));
        }
        for finding in &check.because {
            let rule = finding.rule.as_deref().map_or(id.clone(), str::to_owned);
            rules.insert(rule.clone(), described(&rule, finding));
            results.push(result(&rule, check, finding, root));
        }
    }
    let rules: Vec<Value> = rules.into_values().collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "copytax",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn described(rule: &str, finding: &Finding) -> Value {
    let mut described = json!({ "id": rule });
    if let Some(title) = &finding.title {
        described["shortDescription"] = json!({ "text": &**title });
    }
    if let Some(fix) = &finding.fix {
        described["help"] = json!({ "text": &**fix });
    }
    described
}

fn result(rule: &str, check: &Check<'_>, finding: &Finding, root: &str) -> Value {
    let text = format!("{}\n{}", said(check), cause(finding).join("\n"));
    let mut result = json!({ "ruleId": rule, "level": "error", "message": { "text": text } });
    if let Some((file, line)) = source(finding, root) {
        result["locations"] = json!([{ "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": line.max(1) },
        }}]);
    }
    result
}

/// A path as a URI: what is neither a letter, a digit nor one of a few signs is written in hexadecimal.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}
