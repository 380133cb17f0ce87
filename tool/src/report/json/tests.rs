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
use crate::analysis::{Place, Role};
use crate::model::{
    Audit, Call, Class, EndpointKind, Libc, MatchedBy, Mechanism, Profile, RuntimeEvidence,
    RuntimeName, SavingBasis, Sharing, Verdict,
};
use crate::report::fixture;

const SCHEMA: &str = include_str!("../../../../docs/report.schema.json");

fn json(audit: &Audit) -> String {
    with_profile(audit, None)
}

fn with_profile(audit: &Audit, profile: Option<&Profile>) -> String {
    let mut out = Vec::new();
    write(&mut out, audit, profile).expect("a vector takes everything");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn validator() -> Validator {
    fixture::schema::validator(SCHEMA)
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
fn call_sites_are_with_their_process() {
    let audit = fixture::machine();
    let profile = fixture::profile::machine().profile;
    let text = with_profile(&audit, Some(&profile));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert!(validator().is_valid(&report));
    let processes = report["processes"].as_array().expect("processes");
    let of = |pid: u32| {
        let mut processes = processes.iter();
        processes
            .find(|process| process["pid"] == pid)
            .expect("a process")
    };
    let filesrv = of(81_234);
    assert_eq!(filesrv["call_sites"].as_array().map(Vec::len), Some(3));
    let mut site = filesrv["call_sites"][0].clone();
    for stack in ["read", "write"] {
        let frames = site["stacks"][stack]["frames"]
            .as_array_mut()
            .expect("frames");
        frames.drain(..9.min(frames.len() - 2));
        frames.truncate(2);
    }
    expect_file!["../golden/call-site.json"]
        .assert_eq(&(serde_json::to_string_pretty(&site).expect("JSON") + "\n"));
    let cpu = &filesrv["cpu"];
    assert_eq!(cpu["total_ns"], 812_u64 * 10_101_010);
    assert_eq!(cpu["in_syscall_ns"], 790_u64 * 10_101_010);
    assert_eq!(cpu["copying_ns"], 612_u64 * 10_101_010);
    assert_eq!(cpu["copying_margin_ns"], 489_765_971);
    assert_eq!(of(1201)["cpu"]["total_ns"], 0);
    assert_eq!(of(1201)["call_sites"], Value::Array(Vec::new()));
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
    assert_eq!(
        allowed("/$defs/runtime/properties/name/enum"),
        names(RuntimeName::ALL, RuntimeName::name)
    );
    assert_eq!(
        allowed("/$defs/runtime/properties/libc/enum"),
        names(Libc::ALL, Libc::name)
    );
    assert_eq!(
        allowed("/$defs/runtime/properties/evidence/enum"),
        names(RuntimeEvidence::ALL, RuntimeEvidence::name)
    );
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
        allowed("/$defs/finding/properties/saving/oneOf/1/properties/basis/enum"),
        names(SavingBasis::ALL, SavingBasis::name)
    );
    assert_eq!(
        allowed("/$defs/call_site/properties/call/enum"),
        names(Call::ALL, Call::name)
    );
    assert_eq!(
        allowed("/$defs/culprit/properties/place/enum"),
        names(Place::ALL, Place::name)
    );
    assert_eq!(
        allowed("/$defs/frame/properties/role/enum"),
        names(Role::ALL, Role::name)
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
        let audit = fixture::diagnosed(audit(snapshot), &Profile::default(), &BTreeMap::new());
        let report: Value = serde_json::from_str(&json(&audit)).expect("JSON");
        prop_assert!(VALIDATOR.is_valid(&report));
    }

    #[test]
    fn every_profile_is_valid(fixture in fixture::profile::any()) {
        static VALIDATOR: std::sync::LazyLock<Validator> = std::sync::LazyLock::new(validator);
        let snapshot = analysis::fixture::snapshot().with((1..4).map(|pid| {
            let ends = (EndpointKind::File, EndpointKind::Tcp);
            analysis::fixture::flow(pid, Call::Write, ends, Class::SameBuffer, 1, 1)
        }));
        let text = with_profile(&audit(snapshot), Some(&fixture.profile));
        let report: Value = serde_json::from_str(&text).expect("JSON");
        prop_assert!(VALIDATOR.is_valid(&report));
    }
}
