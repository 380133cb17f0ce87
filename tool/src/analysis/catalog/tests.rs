//! Loading: of the rules that are there, of wrong ones, and of anything at all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use proptest::prelude::{any, prop, proptest};
use proptest::prop_assert;

use super::embedded::FILES;
use super::{Catalog, describe, nearest, parse, search};

const GOOD: &str = r#"id = "X1"
runtime = "go"
versions = ">=1.20"
verdict = "fixable"
title = "A title"
symptom = "A symptom"
cause = "A cause"
fix = "A fix"

[[match]]
lost = true
write.has = ["io.copyBuffer"]
"#;

fn refused(text: &str, expected: &Expect) {
    let error = parse("x1.toml", text).expect_err("it is wrong");
    expected.assert_eq(&error.to_string());
}

fn changed(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

#[test]
fn every_file_is_embedded_and_named_like_its_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let there: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder of the rules")
        .map(|entry| format!("rules/{}", entry.expect("an entry").file_name().display()))
        .collect();
    let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, embedded);
    for (name, text) in FILES {
        let rule = parse(name, text).expect("a good rule");
        assert_eq!(*name, format!("rules/{}.toml", rule.id));
    }
}

#[test]
fn texts_of_rules_are_for_people() {
    for rule in Catalog::builtin().rules() {
        let id = &rule.id;
        let is_sentence = |text: &str| text.ends_with('.');
        assert!(is_sentence(&rule.cause) && is_sentence(&rule.fix), "{id}");
        assert!(is_sentence(&rule.symptom), "{id}");
        // The report shows it.
        assert!(rule.fix.len() <= 260, "{id}: {} bytes", rule.fix.len());
        assert!(!rule.references.is_empty(), "{id}");
        let lines = rule.example.iter().flat_map(|example| example.lines());
        for line in lines {
            assert!(line.chars().count() <= 76, "{id}: {line}");
        }
        for conditions in &rule.conditions {
            assert!(!describe(conditions).is_empty(), "{id}");
        }
    }
}

#[test]
fn rules_are_in_the_order_of_their_ids() {
    let ids: Vec<&str> = Catalog::builtin()
        .rules()
        .iter()
        .map(|rule| &*rule.id)
        .collect();
    let position = |id| {
        ids.iter()
            .position(|other| *other == id)
            .expect("it is there")
    };
    assert!(position("G2") < position("G10") && position("G10") < position("H1"));
    assert_eq!(
        Catalog::builtin().get("g10").map(|rule| &*rule.id),
        Some("G10")
    );
}

#[test]
fn a_good_rule_is_read() {
    let rule = parse("x1.toml", GOOD).expect("it is good");
    assert_eq!((&*rule.id, rule.runtime.as_deref()), ("X1", Some("go")));
    assert!(
        parse(
            "x1.toml",
            &changed("\"A title\"", "\"\"\"\nA\n  title\"\"\"")
        )
        .is_ok()
    );
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    refused(
        "id = ",
        &expect!["x1.toml:1: string values must be quoted, expected literal string"],
    );
    refused(
        &changed("fix = \"A fix\"", "fixes = \"A fix\""),
        &expect![
            "x1.toml:8: fixes: unknown field `fixes`, expected one of `id`, `runtime`, `versions`, `verdict`, `title`, `symptom`, `cause`, `fix`, `example`, `healthy`, `caution`, `references`, `proved_by`, `unproved`, `too_small_below`, `match`"
        ],
    );
    refused(
        &changed("cause = \"A cause\"\n", ""),
        &expect!["x1.toml:1: missing field `cause`"],
    );
    refused(
        &changed("\"A cause\"", "7"),
        &expect!["x1.toml:7: cause: invalid type: integer `7`, expected a string"],
    );
    refused(
        &changed("\"A fix\"", "\" \\n \""),
        &expect!["x1.toml:8: fix: it is empty"],
    );
    refused(
        &changed("\"X1\"", "\"1 X\""),
        &expect![
            "x1.toml:1: id: an id is a letter and then letters, digits, - and _, at most 32 in all"
        ],
    );
    refused(
        &changed("\"fixable\"", "\"unknown\""),
        &expect![
            "x1.toml:4: verdict: there is no verdict `unknown`; there are fixable, transforming, too_small, deliberate, architectural, kernel_copied, healthy"
        ],
    );
    refused(
        &changed("\"go\"", "\"golang\""),
        &expect![
            "x1.toml:2: runtime: there is no runtime `golang`; there are go, jvm, node, cpython, ruby, php, dotnet, nginx, haproxy, apache, lighttpd, envoy, rust, c, c++"
        ],
    );
    refused(
        &changed("\">=1.20\"", "\"1.20\""),
        &expect![
            "x1.toml:3: versions: `1.20` is no range of versions; write it like `>=1.22, <1.23`"
        ],
    );
    refused(
        &changed("runtime = \"go\"\n", ""),
        &expect!["x1.toml:2: versions: versions of what? There is no `runtime`"],
    );
    refused(
        &changed("[[match]]", "references = [\"go#1\"]\n\n[[match]]"),
        &expect![
            "x1.toml:10: references[0]: a reference is an address that begins with https:// or http://"
        ],
    );
    refused(
        &format!("{GOOD}{GOOD}"),
        &expect![
            "x1.toml:19: match[0].cause: unknown field `cause`, expected one of `lost`, `class`, `mechanism`, `source`, `sink`, `sharing`, `transfer`, `compression_like`, `refused`, `not_refused`, `own_loop`, `write`, `read`"
        ],
    );
}

#[test]
fn what_is_wrong_with_a_match_is_said() {
    let with = |line: &str| changed("lost = true\n", line);
    refused(
        &with(""),
        &expect![
            "x1.toml:10: match[0]: it must say which bytes it is about: by `lost`, `class` or `sharing`"
        ],
    );
    refused(
        &with("lost = \"yes\"\n"),
        &expect![[r#"x1.toml:11: match[0].lost: invalid type: string "yes", expected a boolean"#]],
    );
    refused(
        &with("lost = true\nsink = [\"socket\", \"tls\"]\n"),
        &expect![
            "x1.toml:12: match[0].sink[1]: there is no endpoint kind `tls`; there are none, file, tcp, udp, unix, unix_datagram, vsock, socket, pipe, block, char, other, memory, unknown, gifted_memory"
        ],
    );
    refused(
        &with("lost = true\nsinks = [\"tcp\"]\n"),
        &expect![
            "x1.toml:12: match[0].sinks: unknown field `sinks`, expected one of `lost`, `class`, `mechanism`, `source`, `sink`, `sharing`, `transfer`, `compression_like`, `refused`, `not_refused`, `own_loop`, `write`, `read`"
        ],
    );
    refused(
        &with("lost = true\nrefused = { errno = [\"EFOO\"] }\n"),
        &expect![
            "x1.toml:12: match[0].refused.errno[0]: there is no errno `EFOO`; write it like EINVAL"
        ],
    );
    refused(
        &with("lost = true\nnot_refused = true\nrefused = { errno = [\"EINVAL\"] }\n"),
        &expect!["x1.toml:10: match[0]: `refused` and `not_refused` exclude each other"],
    );
    refused(
        &with("lost = true\ntransfer = { at_least = 9, below = 9 }\n"),
        &expect![
            "x1.toml:12: match[0].transfer: `at_least` is not smaller than `below`: nothing fits"
        ],
    );
    refused(
        &with("lost = true\ntransfer = { at_least = -1 }\n"),
        &expect![
            "x1.toml:12: match[0].transfer.at_least: invalid value: integer `-1`, expected u64"
        ],
    );
    refused(
        &with("lost = true\ntransfer = {}\n"),
        &expect!["x1.toml:12: match[0].transfer: neither `at_least` nor `below` is given"],
    );
    refused(
        &with("lost = true\nread = {}\n"),
        &expect!["x1.toml:12: match[0].read: neither `has` nor `lacks` is given"],
    );
    refused(
        &with("lost = true\nread.has = [\"a\", []]\n"),
        &expect!["x1.toml:12: match[0].read.has[1]: a list of names is empty"],
    );
    refused(
        &with("lost = true\nread.has = [\"a\", 7]\n"),
        &expect![
            "x1.toml:12: match[0].read.has[1]: invalid type: integer `7`, expected a name, a list of names, { not = [..] }, { module = [..] } or { function = [..], file = [..] }"
        ],
    );
    refused(
        &with("lost = true\nread.has = [{ no = [\"a\"] }]\n"),
        &expect![
            "x1.toml:12: match[0].read.has[0].no: unknown field `no`, expected one of `not`, `module`, `function`, `file`"
        ],
    );
    refused(
        &with("lost = true\nread.has = [{ not = [\"a\"], module = [\"b\"] }]\n"),
        &expect![
            "x1.toml:12: match[0].read.has[0]: a frame has one of `not` and `module`, or `function` and `file`"
        ],
    );
    refused(
        &with("lost = true\nread.has = [\"\"]\n"),
        &expect!["x1.toml:12: match[0].read.has[0]: a name is empty"],
    );
    let none = GOOD.split("[[match]]").next().expect("the beginning");
    refused(none, &expect!["x1.toml:1: missing field `match`"]);
    refused(
        &format!("{none}match = []\n"),
        &expect!["x1.toml:10: match: it is empty: the rule would apply to nothing"],
    );
}

#[test]
fn rules_of_users_take_the_place_of_others() {
    let builtin = Catalog::builtin();
    let own = changed("\"X1\"", "\"g1\"");
    let catalog = builtin.with(&[("mine.toml", &own)]).expect("a good rule");
    assert_eq!(catalog.rules().len(), builtin.rules().len());
    assert_eq!(&*catalog.get("G1").expect("it is there").title, "A title");
    let more = builtin.with(&[("x1.toml", GOOD)]).expect("a good rule");
    assert_eq!(more.rules().len(), builtin.rules().len() + 1);

    let twice = builtin.with(&[("a.toml", GOOD), ("b.toml", &changed("\"X1\"", "\"x1\""))]);
    let error = twice.expect_err("an id is there twice");
    expect!["b.toml:1: id: x1 is the id of a.toml, too"].assert_eq(&error.to_string());
}

#[test]
fn rules_are_found() {
    let found = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let rules = search(Catalog::builtin(), &words).into_iter();
        rules.map(|rule| rule.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["nginx", "FILTER"]), ["N2"]);
    assert!(found(&["go", "sendfile"]).contains(&"G1".to_owned()));
    assert_eq!(found(&["no such thing"]), Vec::<String>::new());
    assert_eq!(found(&[]).len(), Catalog::builtin().rules().len());

    let near = |id| nearest(Catalog::builtin(), id);
    assert_eq!(near("g11")[0], "G1");
    assert_eq!(near("zz"), Vec::<&str>::new());
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        if let Err(error) = parse("x.toml", &text) {
            prop_assert!(!error.to_string().contains('\n') || text.contains('\n'));
        }
    }

    #[test]
    fn no_change_of_a_rule_panics(index in 0..FILES.len(), cut in any::<prop::sample::Index>(),
                                  length in 0..40usize, put in "[ -~\n\\PC]{0,8}") {
        let text = FILES[index].1;
        let start = text.floor_char_boundary(cut.index(text.len()));
        let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
        let text = [&text[..start], &put, &text[end..]].concat();
        if let Err(error) = parse("x.toml", &text) {
            let lines = text.lines().count() + 1;
            prop_assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)));
        }
    }
}
