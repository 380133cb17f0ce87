//! Flame graphs: SVG files that need nothing else, for browsers of any width.
//!
//! inferno lays the boxes out and makes them searchable; their names, colours and numbers come from
//! here, since they stand for estimates.

pub(super) mod colors;
mod document;
mod layout;
pub(super) mod legend;
#[cfg(test)]
mod tests;
pub(super) mod tree;

use std::io;

use crate::report::graph::{Facts, GraphOptions, Sampled, labels, weighted};
use crate::report::units;
use document::Document;
use tree::{Side, Tree};

/// Writes the flame graph that `options` ask for.
///
/// Boxes are as wide as their estimated weight; their texts have it with its margin, and the places
/// in source files. Boxes of less than a half byte, call or nanosecond are left out.
///
/// # Errors
///
/// Those of `out`.
pub fn write(
    out: &mut impl io::Write,
    sampled: &Sampled<'_>,
    options: &GraphOptions,
) -> io::Result<()> {
    let mut tree = Tree::new(options.weight);
    let facts = grow(&mut tree, Side::New, sampled, options, 1.0);
    let document = Document {
        title: facts.title.to_owned(),
        subtitle: facts.summary,
        notes: facts.notes,
        is_inverted: options.reverse,
        is_difference: false,
    };
    out.write_all(document.render(&tree)?.as_bytes())
}

/// Writes what changed from `base` to `new`.
///
/// A box is as wide as the larger of its two weights, so that what is gone can be seen, too. It is red
/// where there is more in `new`, blue where there is less, and pale where the difference is within its
/// margin. A base of another duration is scaled to that of `new`.
///
/// # Errors
///
/// Those of `out`.
pub fn write_difference(
    out: &mut impl io::Write,
    base: &Sampled<'_>,
    new: &Sampled<'_>,
    options: &GraphOptions,
) -> io::Result<()> {
    let (from, to) = (base.window.duration, new.window.duration);
    let scale = if from.is_zero() {
        1.0
    } else {
        to.as_secs_f64() / from.as_secs_f64()
    };
    let mut tree = Tree::new(options.weight);
    let old_facts = grow(&mut tree, Side::Base, base, options, scale);
    let facts = grow(&mut tree, Side::New, new, options, 1.0);
    let mut notes = vec![
        format!("Base: {}.", old_facts.summary),
        format!("New: {}.", facts.summary),
    ];
    if from != to {
        let to = units::duration(to);
        notes.push(format!("Numbers of the base are scaled to {to}."));
    }
    notes.push("Boxes are as wide as the larger of their two weights.".to_owned());
    notes.extend(facts.notes);
    let document = Document {
        title: facts.title.to_owned(),
        subtitle: format!("new against base: {}", tree.root_change()),
        notes,
        is_inverted: options.reverse,
        is_difference: true,
    };
    out.write_all(document.render(&tree)?.as_bytes())
}

/// Adds the stacks of one profile to the tree.
pub(super) fn grow(
    tree: &mut Tree,
    side: Side,
    sampled: &Sampled<'_>,
    options: &GraphOptions,
    scale: f64,
) -> Facts {
    let stacks = weighted(sampled.profile, options);
    for stack in &stacks {
        let labels = labels(sampled, stack, options);
        tree.add(side, labels, stack.kind, stack.weight, scale);
        if side == Side::New {
            tree.count(stack.samples);
        }
    }
    Facts::of(sampled, options, &stacks)
}
