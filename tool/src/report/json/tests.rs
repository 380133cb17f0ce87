//! The document against its schema and its golden.

use std::collections::BTreeMap;

use expect_test::expect_file;
use jsonschema::Validator;
use proptest::prelude::proptest;
use proptest::prop_assert;
use serde_json::Value;

use super::write;
use crate::analysis::NoPath;
use crate::analysis::{self, audit};
use crate::model::{Audit, Call, EndpointKind, MatchedBy, Mechanism, Sharing, Verdict};
use crate::report::fixture;

const SCHEMA: &str = include_str!("../../../../docs/report.schema.json");

fn json(audit: &Audit) -> String {
    let mut out = Vec::new();
    write(&mut out, audit).expect("a vector takes everything");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is a schema");
    jsonschema::draft202012::new(&schema).expect("the schema is a schema")
}

#[test]
fn golden() {
    expect_file!["../golden/hostile.json"].assert_eq(&json(&fixture::hostile()));
    expect_file!["../golden/ways.json"].assert_eq(&json(&fixture::ways()));
    expect_file!["../golden/hostile-findings.json"].assert_eq(&json(&fixture::hostile_findings()));
}

#[test]
fn every_fixture_is_valid() {
    let validator = validator();
    for audit in [
        fixture::nginx_off(),
        fixture::nginx_on(),
        fixture::machine(),
        fixture::hostile(),
        fixture::ways(),
        fixture::nothing_moved(),
        fixture::findings(),
        fixture::hostile_findings(),
    ] {
        let report: Value = serde_json::from_str(&json(&audit)).expect("JSON");
        let errors: Vec<_> = validator.iter_errors(&report).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn the_schema_is_strict() {
    let validator = validator();
    let mut report: Value = serde_json::from_str(&json(&fixture::machine())).expect("JSON");
    report["processes"][0]["flows"][0]["more"] = Value::Null;
    assert!(!validator.is_valid(&report));

    let mut report: Value = serde_json::from_str(&json(&fixture::machine())).expect("JSON");
    report["totals"]["bytes"]
        .as_object_mut()
        .expect("an object")
        .remove("lost");
    assert!(!validator.is_valid(&report));
}

#[test]
fn every_object_of_the_schema_is_closed_and_complete() {
    fn check(schema: &Value) {
        match schema {
            Value::Object(map) => {
                if let Some(Value::Object(properties)) = map.get("properties") {
                    assert_eq!(map.get("additionalProperties"), Some(&Value::Bool(false)));
                    let required = map.get("required").and_then(Value::as_array);
                    assert_eq!(required.map(Vec::len), Some(properties.len()));
                }
                map.values().for_each(check);
            }
            Value::Array(items) => items.iter().for_each(check),
            _ => {}
        }
    }
    check(&serde_json::from_str(SCHEMA).expect("JSON"));
}

/// What an enum of the schema allows, null aside.
fn allowed<'a>(schema: &'a Value, pointer: &str) -> Vec<&'a str> {
    let values = schema.pointer(pointer).and_then(Value::as_array);
    let values = values.unwrap_or_else(|| panic!("no enum at {pointer}"));
    values.iter().filter_map(Value::as_str).collect()
}

#[test]
fn the_schema_knows_every_name() {
    fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|&value| name(value)).collect()
    }
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let allowed = |pointer| allowed(&schema, pointer);
    assert_eq!(
        allowed("/$defs/process/properties/syscalls/propertyNames/enum"),
        names(Call::ALL, Call::name)
    );
    assert_eq!(
        allowed("/$defs/mechanism/enum"),
        names(Mechanism::ALL, Mechanism::name)
    );
    let mut kinds = names(EndpointKind::ALL, EndpointKind::name);
    kinds.sort_unstable();
    let mut endpoints = allowed("/$defs/endpoint/enum");
    endpoints.sort_unstable();
    assert_eq!(endpoints, kinds);
    let reasons = names(Sharing::ALL, Sharing::name);
    assert_eq!(
        allowed("/$defs/flow/properties/sharing_reason/enum"),
        reasons[1..]
    );
    let verdicts = names(Verdict::ALL, Verdict::name);
    let found = verdicts.iter().filter(|name| **name != "healthy");
    assert_eq!(
        allowed("/$defs/finding/properties/verdict/enum"),
        found.copied().collect::<Vec<_>>()
    );
    assert_eq!(
        allowed("/$defs/finding/properties/matched_by/enum"),
        names(MatchedBy::ALL, MatchedBy::name)
    );
    assert_eq!(
        allowed("/$defs/flow/properties/no_kernel_path/enum"),
        names(NoPath::ALL, NoPath::name)
    );
}

proptest! {
    #[test]
    fn every_audit_is_valid(snapshot in analysis::properties::snapshots()) {
        static VALIDATOR: std::sync::LazyLock<Validator> = std::sync::LazyLock::new(validator);
        let audit = fixture::diagnosed(audit(snapshot), Vec::new(), &BTreeMap::new());
        let report: Value = serde_json::from_str(&json(&audit)).expect("JSON");
        prop_assert!(VALIDATOR.is_valid(&report));
    }
}
