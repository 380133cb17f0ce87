//! Policies, and what they say of audits made by hand.

use super::*;
use crate::analysis::audit;
use crate::analysis::catalog::Catalog;
use crate::analysis::fixture::{flow, snapshot};
use crate::model::EndpointKind::{File, Tcp};
use crate::model::{Call, Class, CommandOutcome};

fn machine() -> Audit {
    audit(
        snapshot()
            .named(1, "good", &[])
            .named(2, "bad", &[])
            .named(3, "idle", &[])
            .with([
                flow(1, Call::Sendfile, (File, Tcp), Class::ZeroCopy, 3000, 3),
                flow(2, Call::Write, (File, Tcp), Class::SameBuffer, 1000, 10),
                flow(3, Call::Read, (File, Tcp), Class::Ingest, 5, 1),
            ]),
    )
}

fn holds(text: &str) -> Vec<bool> {
    let policies = parse(text, Catalog::builtin()).expect("a policy");
    let audit = machine();
    let checks = evaluate(&policies, &audit);
    checks.iter().map(|check| check.holds).collect()
}

#[test]
fn demands() {
    for (text, expected) in [
        ("[[policy]]\nmin_hit_rate = 0.75", &[true][..]),
        ("[[policy]]\nmin_hit_rate = \"76%\"", &[false]),
        ("[[policy]]\nprocess = \"good\"\nmin_hit_rate = 1", &[true]),
        ("[[policy]]\nprocess = \"*d\"\nmin_hit_rate = 1", &[false]),
        (
            "[[policy]]\nmax_lost_bytes = 1000\nmax_lost_share = 0.25",
            &[true, true],
        ),
        (
            "[[policy]]\nmax_lost_bytes = \"0.9kB\"\nmax_lost_share = 0.2",
            &[false, false],
        ),
        // Nothing to judge by is not good enough, but nothing lost is.
        ("[[policy]]\nprocess = \"idle\"\nmin_hit_rate = 0", &[false]),
        (
            "[[policy]]\nprocess = \"idle\"\nmax_lost_share = 0",
            &[true],
        ),
        (
            "[[policy]]\nprocess = \"baad\"\nmax_lost_bytes = \"1TB\"",
            &[false],
        ),
        ("[[policy]]\nforbid = [\"g1\", \"fixable\"]", &[true, true]),
    ] {
        assert_eq!(holds(text), expected, "{text}");
    }
}

#[test]
fn commands_must_succeed() {
    let mut audit = machine();
    for (code, signal, expected) in [
        (Some(0), None, true),
        (Some(3), None, false),
        (None, Some(9), false),
        (None, None, true),
    ] {
        audit.command = Some(CommandOutcome {
            command: vec!["true".to_owned()],
            pid: 1,
            exit_code: code,
            signal,
        });
        assert_eq!(evaluate(&[], &audit)[0].holds, expected);
    }
}

#[test]
fn wrong_policies_are_refused() {
    for (text, reason) in [
        ("", "it has no [[policy]]"),
        ("[[policy]]", "neither this nor another demand"),
        (
            "[[policy]]\nmin_hitrate = 1",
            "line 2: unknown field `min_hitrate`",
        ),
        (
            "[[policy]]\nmin_hit_rate = 1.5",
            "policy[0].min_hit_rate: `1.5` is no share",
        ),
        ("[[policy]]\nmax_lost_bytes = \"x\"", "no number of bytes"),
        ("[[policy]]\nmax_lost_bytes = -1", "no number of bytes"),
        (
            "[[policy]]\nforbid = [\"NOPE\"]",
            "neither a rule nor a verdict",
        ),
        (
            "[[policy]]\nprocess = \"\"\nmin_hit_rate = 1",
            "a name is empty",
        ),
        ("policy = 1", "line 1"),
    ] {
        let error = parse(text, Catalog::builtin()).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn sizes() {
    for (text, bytes) in [
        ("0", 0),
        ("4096", 4096),
        ("64KiB", 65_536),
        ("1.5 GiB", 1_610_612_736),
        ("10MB", 10_000_000),
        ("7B", 7),
    ] {
        assert_eq!(parse_bytes(text), Ok(bytes));
    }
}
