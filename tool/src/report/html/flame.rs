//! Flame graphs in the page.
//!
//! Their boxes, names and colours are those of the flame graph files. But the script that inferno puts
//! into these takes all of the document for one graph: it finds its elements by ids, has Ctrl-F for itself
//! and keeps its state in the address. So boxes are laid out here: each is an SVG within that of the graph,
//! which cuts its text off where it ends, and is as wide as its share of any page.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Report;
use super::page::Part;
use crate::report::flamegraph::tree::{Node, Side, Tree};
use crate::report::flamegraph::{colors, grow, legend};
use crate::report::graph::{Facts, LabelKind};
use crate::report::{GraphOptions, Only, Sampled, Weight};

/// Pixels of a row.
const ROW: usize = 18;
/// What is narrower is left out: half a pixel of a wide screen.
const NARROWEST: f64 = 0.000_3;

/// The part, where something was sampled.
pub(super) fn part(report: &Report<'_>) -> Option<Part> {
    let sampled = report.sampled?;
    let graphs: Vec<Graph> = [
        (Weight::Bytes, Only::Bounced),
        (Weight::Bytes, Only::All),
        (Weight::Cpu, Only::All),
    ]
    .into_iter()
    .filter_map(|(weight, only)| {
        let options = GraphOptions {
            weight,
            only,
            ..GraphOptions::default()
        };
        Graph::new(&sampled, &options)
    })
    .collect();
    if graphs.is_empty() {
        return None;
    }
    Some(Part {
        id: "flames".into(),
        title: "Flame graphs".into(),
        body: html! {
            p.note {
                "A box is as wide as what went through its function. Click one, or press Enter on it, to see \
                 it alone; arrow keys go from box to box, Escape shows all again."
            }
            @for (index, graph) in graphs.iter().enumerate() { (graph.draw(index)) }
        },
    })
}

struct Graph {
    facts: Facts,
    tree: Tree,
    /// Outermost first, and from left to right.
    boxes: Vec<Placed>,
    total: f64,
}

/// Where a box is: shares of the total, and a row.
struct Placed {
    number: usize,
    depth: usize,
    x: f64,
    width: f64,
}

impl Graph {
    /// `None` where there is nothing to show.
    fn new(sampled: &Sampled<'_>, options: &GraphOptions) -> Option<Self> {
        let mut tree = Tree::new(options.weight);
        let facts = grow(&mut tree, Side::New, sampled, options, 1.0);
        let (boxes, total) = place(&tree);
        (total > 0.0).then_some(Self {
            facts,
            tree,
            boxes,
            total,
        })
    }

    fn draw(&self, index: usize) -> Markup {
        let id = format!("flame-{index}");
        let rows = self.boxes.iter().map(|one| one.depth).max().unwrap_or(0) + 1;
        html! {
            figure.flame {
                figcaption {
                    h3 id=(id) { (self.facts.title) }
                    p { (self.facts.summary) }
                }
                p.tools {
                    label for={ (id) "-search" } { "Search " }
                    input id={ (id) "-search" } type="search" placeholder="function or file" autocomplete="off";
                    button type="button" class="reset" disabled { "Show all" }
                    output for={ (id) "-search" } {}
                }
                svg role="tree" aria-labelledby=(id) height=(rows * ROW) width="100%" data-row=(ROW) {
                    @for one in &self.boxes { (self.draw_box(one, rows)) }
                }
                p.detail aria-live="polite" { (self.tree.describe(0, false)) }
                (self.legend())
                p.note { (self.facts.notes.join(" ")) }
            }
        }
    }

    fn draw_box(&self, one: &Placed, rows: usize) -> Markup {
        let node = self.tree.node(one.number);
        let name = if one.number == 0 { "all" } else { &node.text };
        let percent = |share: f64| format!("{:.3}%", 100.0 * share / self.total);
        html! {
            g role="treeitem" aria-level=(one.depth + 1) tabindex=(if one.number == 0 { "0" } else { "-1" }) {
                title { (name) " (" (self.tree.describe(one.number, false)) ")" }
                svg x=(percent(one.x)) width=(percent(one.width)) y=((rows - 1 - one.depth) * ROW) height=(ROW) {
                    rect width="100%" height=(ROW - 1) rx="2" fill=(color(node, one.number)) {}
                    text x="4" y="13" aria-hidden="true" { (name) }
                }
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            @for row in legend::of_roles(&self.tree) {
                ul.legend aria-label={ "Colours: " (row.title) } {
                    li.none { (row.title) }
                    @for (name, color) in &row.entries {
                        li {
                            svg.swatch viewBox="0 0 10 10" aria-hidden="true" {
                                rect width="10" height="10" fill=(colors::css(*color)) {}
                            }
                            (name)
                        }
                    }
                }
            }
        }
    }
}

fn color(node: &Node, number: usize) -> String {
    colors::css(match number {
        0 => colors::of_box(LabelKind::Process, None),
        _ => colors::of_box(node.kind, node.bytes),
    })
}

/// Places the boxes that can be seen, children in the order of their names, as inferno does.
fn place(tree: &Tree) -> (Vec<Placed>, f64) {
    let widths = widths(tree);
    let total = widths.get(&0).copied().unwrap_or_default();
    let mut placed = Vec::new();
    let mut open = vec![(0, 0, 0.0)];
    while let Some((number, depth, x)) = open.pop() {
        let width = widths.get(&number).copied().unwrap_or_default();
        placed.push(Placed {
            number,
            depth,
            x,
            width,
        });
        let mut at = x;
        let mut children = Vec::new();
        for child in tree.node(number).children() {
            let width = widths.get(&child).copied().unwrap_or_default();
            if width >= total * NARROWEST {
                children.push((child, depth + 1, at));
            }
            at += width;
        }
        // The last one is taken first.
        open.extend(children.into_iter().rev());
    }
    (placed, total)
}

/// Widths of boxes: their own parts and those of what is in them.
fn widths(tree: &Tree) -> BTreeMap<usize, f64> {
    let mut widths: BTreeMap<usize, f64> = BTreeMap::new();
    for (number, one) in tree.boxes() {
        #[expect(clippy::cast_precision_loss, reason = "for a drawing")]
        let own = one.own_width() as f64;
        if own > 0.0 {
            for at in std::iter::once(0).chain(tree.path(number)) {
                *widths.entry(at).or_default() += own;
            }
        }
    }
    widths
}
