//! Goldens, one element a line and without inferno's script; and what holds for any profile.

use expect_test::{ExpectFile, expect_file};
use proptest::prelude::proptest;
use proptest::prop_assert;

use super::{write, write_difference};
use crate::report::fixture::profile::{self, Fixture};
use crate::report::graph::{GraphOptions, Only, Weight};

fn svg(fixture: &Fixture, options: &GraphOptions) -> String {
    let mut out = Vec::new();
    write(&mut out, &fixture.sampled(), options).expect("a vector takes everything");
    String::from_utf8(out).expect("SVG is UTF-8")
}

fn difference(base: &Fixture, new: &Fixture, options: &GraphOptions) -> String {
    let mut out = Vec::new();
    write_difference(&mut out, &base.sampled(), &new.sampled(), options)
        .expect("a vector takes everything");
    String::from_utf8(out).expect("SVG is UTF-8")
}

fn check(svg: &str, expected: &ExpectFile) {
    let (before, rest) = svg.split_once("<script").unwrap_or((svg, ""));
    let after = rest.split_once("</script>").map_or("", |(_, after)| after);
    let text = format!("{before}{after}");
    let lines = text.replace("><", ">\n<").replace("\n\n", "\n");
    expected.assert_eq(&lines);
}

/// The document, which is well-formed and has no script but inferno's.
fn parse(svg: &str) -> Result<roxmltree::Document<'_>, String> {
    let document = roxmltree::Document::parse(svg).map_err(|error| error.to_string())?;
    for node in document.descendants() {
        match node.tag_name().name() {
            "svg" | "g" | "rect" | "text" | "title" | "style" | "defs" | "linearGradient"
            | "stop" | "" => {}
            "script"
                if node
                    .text()
                    .is_some_and(|text| text.contains("var nametype = ''")) => {}
            other => return Err(format!("unexpected element {other}")),
        }
        let handlers = node
            .attributes()
            .filter(|attribute| attribute.name().starts_with("on"));
        if handlers
            .into_iter()
            .any(|attribute| attribute.value() != "init(evt)")
        {
            return Err("unexpected handler".to_owned());
        }
    }
    let scripts = document
        .descendants()
        .filter(|node| node.has_tag_name("script"));
    if scripts.count() > 1 {
        return Err("more than one script".to_owned());
    }
    Ok(document)
}

#[test]
fn golden() {
    let machine = profile::machine();
    let options = GraphOptions::default();
    check(
        &svg(&machine, &options),
        &expect_file!["../golden/bounced.svg.txt"],
    );
    let all = GraphOptions {
        only: Only::All,
        reverse: true,
        ..options
    };
    check(
        &svg(&machine, &all),
        &expect_file!["../golden/all-reversed.svg.txt"],
    );
    let cpu = GraphOptions {
        weight: Weight::Cpu,
        ..options
    };
    check(&svg(&machine, &cpu), &expect_file!["../golden/cpu.svg.txt"]);
    check(
        &svg(&profile::hostile(), &options),
        &expect_file!["../golden/hostile.svg.txt"],
    );
    check(
        &svg(&profile::nothing(), &options),
        &expect_file!["../golden/nothing.svg.txt"],
    );
    let changes = difference(
        &profile::before(),
        &machine,
        &GraphOptions {
            only: Only::All,
            ..options
        },
    );
    check(&changes, &expect_file!["../golden/difference.svg.txt"]);
}

#[test]
fn boxes_say_what_they_stand_for() {
    let machine = svg(&profile::machine(), &GraphOptions::default());
    let document = parse(&machine).expect("an SVG");
    let titles: Vec<&str> = document
        .descendants()
        .filter(|node| node.has_tag_name("title"))
        .filter_map(|node| node.text())
        .collect();
    let all = titles.iter().find(|title| title.starts_with("all ("));
    assert_eq!(all, Some(&"all (2.8 GiB ±0 B, 100.0%)"));
    let wrapper = titles
        .iter()
        .find(|title| title.starts_with("main.justReader.Read"));
    assert_eq!(
        wrapper,
        Some(&"main.justReader.Read (1.9 GiB ±49.0 MiB, 68.6%, main.go:18)")
    );
}

#[test]
fn what_is_gone_is_still_there() {
    let options = GraphOptions {
        only: Only::All,
        ..GraphOptions::default()
    };
    let svg = difference(&profile::before(), &profile::machine(), &options);
    let document = parse(&svg).expect("an SVG");
    let all: String = document
        .descendants()
        .filter_map(|node| node.text())
        .collect();
    assert!(
        all.contains("main.justReader.Read (0 B to 1.9 GiB, +1.9 GiB ±"),
        "{all}"
    );
    assert!(
        all.contains("[zero-copy] (2.7 GiB to 812.0 MiB, -1.9 GiB ±"),
        "{all}"
    );
}

proptest! {
    #[test]
    fn any_profile_is_an_svg(
        base in profile::any(),
        fixture in profile::any(),
        options in profile::any_options(),
    ) {
        for svg in [svg(&fixture, &options), difference(&base, &fixture, &options)] {
            let parsed = parse(&svg).map(|_| ());
            prop_assert!(parsed.is_ok(), "{parsed:?}\n{svg}");
            prop_assert!(!svg.contains(super::layout::MARK));
        }
    }
}
