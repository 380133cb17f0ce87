//! What the colours stand for.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use inferno::flamegraph::color::Color;

use super::colors;
use super::document::escape_xml;
use super::tree::Tree;
use crate::analysis::Role;
use crate::model::SiteKind;
use crate::report::graph::{LabelKind, site_kind};

/// Pixels; a row of three fits on a phone.
const ROW: usize = 18;
const FIRST: usize = 78;
const COLUMN: usize = 106;

/// One row: what it is of, and its colours.
pub(in crate::report) struct Row {
    pub(in crate::report) title: &'static str,
    pub(in crate::report) entries: Vec<(&'static str, Color)>,
}

/// The legend as a group, its top at `y`; and its height.
pub(super) fn draw(tree: &Tree, is_difference: bool, x: usize, y: usize) -> (String, usize) {
    let rows = if is_difference {
        vec![of_changes()]
    } else {
        of_roles(tree)
    };
    let mut svg = String::from("<g id=\"legend\">");
    for (index, row) in rows.iter().enumerate() {
        let middle = y + index * ROW + 12;
        text(&mut svg, x, middle, row.title);
        for (column, (name, color)) in row.entries.iter().enumerate() {
            let left = x + FIRST + column * COLUMN;
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<rect x=\"{left}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/>",
                middle - 10,
                colors::css(*color),
            );
            text(&mut svg, left + 16, middle, name);
        }
    }
    svg.push_str("</g>\n");
    (svg, rows.len() * ROW)
}

fn text(svg: &mut String, x: usize, y: usize, text: &str) {
    let text = escape_xml(text);
    // Writing to a string cannot fail.
    let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\">{text}</text>");
}

fn of_changes() -> Row {
    Row {
        title: "new has",
        entries: vec![
            ("more", colors::of_change(1.0)),
            ("less", colors::of_change(-1.0)),
            ("as much", colors::of_change(0.0)),
        ],
    }
}

/// A row for each kind of bytes that is there, and one for the roles whose colour is that of no kind.
pub(in crate::report) fn of_roles(tree: &Tree) -> Vec<Row> {
    let used: BTreeSet<(Option<SiteKind>, Role)> = tree
        .boxes()
        .filter_map(|(_, one)| match one.kind {
            LabelKind::Frame(role) => Some((one.bytes, role)),
            _ => None,
        })
        .collect();
    let mut rows = Vec::new();
    for bytes in std::iter::once(None).chain(SiteKind::ALL.iter().copied().map(Some)) {
        let roles = [Role::Application, Role::Library, Role::Runtime];
        let is_there = |role: &Role| used.contains(&(bytes, *role));
        rows.push(Row {
            title: bytes.map_or("on CPU", site_kind),
            entries: entries(roles.into_iter().filter(is_there), bytes),
        });
    }
    let roles = [Role::Kernel, Role::Copy, Role::Unknown];
    let is_there = |role: &Role| used.iter().any(|(_, used)| used == role);
    rows.push(Row {
        title: "any",
        entries: entries(roles.into_iter().filter(is_there), None),
    });
    rows.retain(|row| !row.entries.is_empty());
    rows
}

fn entries(
    roles: impl Iterator<Item = Role>,
    bytes: Option<SiteKind>,
) -> Vec<(&'static str, Color)> {
    roles
        .map(|role| (role.name(), colors::of_box(LabelKind::Frame(role), bytes)))
        .collect()
}
