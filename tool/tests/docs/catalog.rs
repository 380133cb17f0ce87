//! docs/catalog/, made from the rules: a page each, and an index by runtime.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use copytax::analysis::catalog::{Catalog, RUNTIMES, Rule, describe};

use crate::{code, markdown};

const INDEX: &str = "README.md";
const HEAD: &str = "\
# Known lost fast paths

Made from the rules in [tool/rules](../../tool/rules) by tool/tests/docs: change those instead.
`copytax explain` shows the same. Rules of your own, in files of the same form, are added by `--rules DIR`.

";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/catalog")
}

/// What the folder is to hold.
fn pages() -> BTreeMap<String, String> {
    let rules = Catalog::builtin().rules();
    let mut pages: BTreeMap<String, String> = rules
        .iter()
        .map(|rule| (format!("{}.md", rule.id), page(rule)))
        .collect();
    pages.insert(INDEX.to_owned(), index(rules));
    pages
}

fn index(rules: &[Rule]) -> String {
    let mut text = HEAD.to_owned();
    let runtimes = RUNTIMES.iter().copied().map(Some).chain([None]);
    for runtime in runtimes {
        let rows: Vec<[String; 3]> = rules
            .iter()
            .filter(|rule| rule.runtime.as_deref() == runtime)
            .map(|rule| {
                let link = format!("[{id}]({id}.md)", id = rule.id);
                [link, code(rule.verdict.name()), rule.title.to_string()]
            })
            .collect();
        if !rows.is_empty() {
            let name = runtime.unwrap_or("any program");
            text += &format!(
                "## {name}\n\n{}\n",
                markdown(["rule", "verdict", "title"], rows)
            );
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn page(rule: &Rule) -> String {
    let about = match (&rule.runtime, &rule.versions) {
        (Some(runtime), Some(versions)) => format!("{} {versions}", code(runtime)),
        (Some(runtime), None) => code(runtime),
        (None, _) => "any program".to_owned(),
    };
    let mut text = format!(
        "# {}: {}\n\nVerdict {}: {}. Runtime: {about}.\n",
        rule.id,
        rule.title,
        code(rule.verdict.name()),
        rule.verdict.words(),
    );
    let mut section = |name: &str, body: &str| text += &format!("\n## {name}\n\n{body}\n");
    section("Symptom", &prose(&rule.symptom));
    section("Cause", &prose(&rule.cause));
    let example = rule.example.as_deref();
    let example = example.map_or_else(String::new, |code| format!("\n\n```\n{code}\n```"));
    section("Fix", &format!("{}{example}", prose(&rule.fix)));
    if let Some(healthy) = &rule.healthy {
        section("When it is mended", &prose(healthy));
    }
    if let Some(caution) = &rule.caution {
        section("Caution", &prose(caution));
    }
    let ways: Vec<String> = rule
        .conditions
        .iter()
        .map(|conditions| list(describe(conditions)))
        .collect();
    let small = rule.too_small_below.map_or_else(String::new, |size| {
        format!(
            "\nThe program writes bytes of its own between those of a file, so transfers look shorter than they \
             are: here none of {size} bytes or more is too small.\n"
        )
    });
    section(
        "How it is recognised",
        (ways.join("\nor\n\n") + &small).trim_end(),
    );
    let proofs = match &rule.unproved {
        Some(reason) => format!("No program of the tests shows it. {}", prose(reason)),
        None => list(rule.proved_by.iter().map(|name| code(name))),
    };
    section("Proved by", proofs.trim_end());
    section("References", list(&rule.references).trim_end());
    text
}

/// Text whose stars and angle brackets are themselves; what is in backquotes is so already.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        if index % 2 == 0 {
            part.replace('*', r"\*").replace('<', r"\<")
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let lines = items
        .into_iter()
        .map(|item| format!("- {}\n", item.as_ref()));
    lines.collect()
}

fn found() -> BTreeMap<String, String> {
    let Ok(entries) = fs::read_dir(folder()) else {
        return BTreeMap::new();
    };
    entries
        .flatten()
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).expect("text");
            (entry.file_name().to_string_lossy().into_owned(), text)
        })
        .collect()
}

#[test]
fn the_pages_are_as_the_rules_have_them() {
    let (pages, found) = (pages(), found());
    if pages == found {
        return;
    }
    let names: BTreeSet<&String> = pages.keys().chain(found.keys()).collect();
    let wrong: Vec<_> = names
        .into_iter()
        .filter(|name| pages.get(*name) != found.get(*name))
        .collect();
    assert!(
        std::env::var_os("UPDATE_EXPECT").is_some(),
        "docs/catalog is not what the rules say, in {wrong:?}; UPDATE_EXPECT=1 writes it anew"
    );
    fs::create_dir_all(folder()).expect("the folder can be made");
    for name in wrong {
        let path = folder().join(name);
        match pages.get(name) {
            Some(text) => fs::write(path, text).expect("a page can be written"),
            None => fs::remove_file(path).expect("a page can be removed"),
        }
    }
}

/// `FILE: NAME`: the file names the form, or has the test, and says that the rule must be found.
/// What the page of one that has none says instead.
const UNPROVED: &[&str] = &["K9"];

#[test]
fn each_rule_has_a_program_that_proves_it() {
    let rules = Catalog::builtin().rules().iter();
    let unproved = rules.clone().filter(|rule| rule.proved_by.is_empty());
    let ids: Vec<&str> = unproved.map(|rule| &*rule.id).collect();
    assert_eq!(ids, UNPROVED);
    for rule in rules {
        assert_eq!(
            rule.unproved.is_some(),
            rule.proved_by.is_empty(),
            "{}",
            rule.id
        );
    }
}

#[test]
fn the_programs_that_prove_rules_exist() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for rule in Catalog::builtin().rules() {
        for proof in &rule.proved_by {
            let (file, name) = proof.split_once(": ").expect("`FILE: NAME`");
            let text = fs::read_to_string(workspace.join(file)).expect(file);
            let has = |wanted: String| text.contains(&wanted);
            let is_there = has(format!("\"{name}\"")) || has(format!("fn {name}("));
            let is_expected = has(format!("\"{}\"", rule.id));
            assert!(is_there && is_expected, "{}: {proof}", rule.id);
        }
    }
}
