//! Call x source x sink -> classes, and the tests that cover them.

use copytax::analysis::possible_classes;
use copytax::model::{Call, Class, EndpointKind};

use crate::coverage;
use crate::kinds::{grouped, words};
use crate::{code, markdown};

/// Classes between all of some sources and all of some sinks.
#[derive(PartialEq)]
struct Block {
    sources: Vec<EndpointKind>,
    sinks: Vec<EndpointKind>,
    classes: Vec<Class>,
}

/// Where bytes of `call` can have `class`.
fn blocks_of(call: Call, class: Class) -> Vec<Block> {
    let kinds = || EndpointKind::ALL.iter().copied();
    let sinks_of = |source| -> Vec<EndpointKind> {
        let is_possible =
            |sink: &EndpointKind| possible_classes(call, source, *sink).contains(&class);
        kinds().filter(is_possible).collect()
    };
    let mut groups = grouped(kinds(), sinks_of);
    groups.retain(|(_, sinks)| !sinks.is_empty());
    let blocks = groups.into_iter().map(|(sources, sinks)| Block {
        sources,
        sinks,
        classes: vec![class],
    });
    blocks.collect()
}

/// What a call can do; classes that can come up in the same places are together.
fn of(call: Call) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for block in Class::ALL.iter().flat_map(|&class| blocks_of(call, class)) {
        let is_there =
            |other: &&mut Block| (&other.sources, &other.sinks) == (&block.sources, &block.sinks);
        match blocks.iter_mut().find(is_there) {
            Some(other) => other.classes.extend(block.classes),
            None => blocks.push(block),
        }
    }
    blocks
}

/// Calls that can do the same and are covered by the same tests, together.
fn calls() -> Vec<(Vec<Call>, Vec<Block>)> {
    let mut groups: Vec<(Vec<Call>, Vec<Block>)> = Vec::new();
    for &call in Call::ALL {
        let blocks = of(call);
        let is_alike = |(calls, found): &&mut (Vec<Call>, Vec<Block>)| {
            *found == blocks
                && Class::ALL
                    .iter()
                    .all(|&class| coverage::of(calls[0], class) == coverage::of(call, class))
        };
        match groups.iter_mut().find(is_alike) {
            Some((calls, _)) => calls.push(call),
            None => groups.push((vec![call], blocks)),
        }
    }
    groups
}

/// The table.
pub(crate) fn matrix() -> String {
    let mut rows = Vec::new();
    for (calls, blocks) in calls() {
        let mut names = list(calls.iter().map(|call| code(call.name())));
        for block in blocks {
            let tests = block
                .classes
                .iter()
                .map(|&class| coverage::of(calls[0], class));
            rows.push([
                // Said once for all of its rows.
                std::mem::take(&mut names),
                words(&block.sources),
                words(&block.sinks),
                list(block.classes.iter().map(|class| code(name(*class)))),
                list(tests.map(|test| {
                    test.map_or_else(
                        || "-".to_owned(),
                        |test| format!("{} `{}`", test.suite, test.function),
                    )
                })),
            ]);
        }
    }
    markdown(["calls", "source", "sink", "class", "test"], rows)
}

/// Words that differ, with commas.
fn list(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<String> = words.collect();
    words.dedup();
    words.join(", ")
}

/// As this document names the class.
const fn name(class: Class) -> &'static str {
    match class {
        Class::Generated => "generated",
        _ => class.name(),
    }
}
