//! inferno's part: where the boxes are.

use std::io;

use inferno::flamegraph::color::{BackgroundColor, Color, PaletteMap};
use inferno::flamegraph::{self, Direction, Options, TextTruncateDirection};

use super::colors;
use super::tree::{Node, Tree};
use crate::report::graph::LabelKind;

/// Between the name of a box and its number. Private use: no escaped name has it, nor [`START`].
pub(super) const MARK: char = '\u{e000}';

/// In front of each name: inferno drops spaces at the beginning of a line, and takes it for a comment
/// if it begins with a hash.
const START: char = '\u{e001}';

const PAPER: Color = Color {
    r: 0xfa,
    g: 0xfa,
    b: 0xfa,
};

/// The boxes of `tree` as an SVG. Each text of a box is its name, [`MARK`] and its number, so that no
/// two boxes that stand for different things are taken for one.
pub(super) fn lay_out(
    tree: &Tree,
    title: &str,
    subtitle: &str,
    is_inverted: bool,
    color_of: impl Fn(&Node) -> Color,
) -> io::Result<String> {
    let mut palette = PaletteMap::default();
    for (number, one) in tree.boxes() {
        palette.insert(name(number, one), color_of(one));
    }
    // The box around all others.
    palette.insert("", colors::of_box(LabelKind::Process, None));
    let lines = lines(tree);
    let mut options = Options::default();
    options.title = title.to_owned();
    options.subtitle = Some(subtitle.to_owned());
    options.name_type = String::new();
    options.bgcolors = Some(BackgroundColor::Flat(PAPER));
    options.palette_map = Some(&mut palette);
    options.text_truncate_direction = TextTruncateDirection::Right;
    options.min_width = 0.02;
    options.direction = if is_inverted {
        Direction::Inverted
    } else {
        Direction::Straight
    };
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)?;
    let svg = String::from_utf8(svg)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(svg.replace(START, ""))
}

/// A folded line for each box that has a part of its own.
fn lines(tree: &Tree) -> Vec<String> {
    let names: Vec<String> = std::iter::once(String::new())
        .chain(tree.boxes().map(|(number, one)| name(number, one)))
        .collect();
    let mut lines = Vec::new();
    for (number, one) in tree.boxes() {
        let width = one.own_width();
        if width > 0 {
            let path: Vec<&str> = tree
                .path(number)
                .into_iter()
                .map(|at| names[at].as_str())
                .collect();
            lines.push(format!("{} {width}", path.join(";")));
        }
    }
    lines
}

fn name(number: usize, one: &Node) -> String {
    format!("{START}{}{MARK}{number}", one.text)
}

/// The colours of boxes by whose code they are, or by what changed.
pub(super) fn color_of(is_difference: bool) -> impl Fn(&Node) -> Color {
    move |one| {
        if is_difference {
            colors::of_change(one.change())
        } else {
            colors::of_box(one.kind, one.bytes)
        }
    }
}
