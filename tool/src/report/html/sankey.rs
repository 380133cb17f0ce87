//! Where bytes come from, how they move, and where they go, as a Sankey diagram.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Report;
use super::page::Part;
use super::parts::{Fate, legend, wide};
use crate::model::{EndpointKind, Flow, Mechanism};
use crate::report::units;

/// Units of the drawing.
const WIDTH: f64 = 960.0;
const NODE: f64 = 12.0;
/// Between nodes, and what the name of a node needs.
const GAP: f64 = 10.0;
const LINE: f64 = 16.0;
/// Where the columns begin.
const COLUMNS: [f64; 3] = [120.0, 474.0, 828.0];

/// A bar: its column and its name.
type Key = (usize, &'static str);

/// Where a bar is.
struct Node {
    bytes: u64,
    y: f64,
    height: f64,
}

/// A band between two bars, where it begins and ends, and how wide it is.
struct Link {
    from: Key,
    to: Key,
    fate: Fate,
    bytes: u64,
    begin: f64,
    end: f64,
    width: f64,
}

/// The diagram.
struct Sankey {
    nodes: BTreeMap<Key, Node>,
    links: Vec<Link>,
    height: f64,
}

/// The part, where bytes moved.
pub(super) fn part(report: &Report<'_>) -> Option<Part> {
    let processes = report.audit.processes.iter();
    let sankey = Sankey::new(processes.flat_map(|process| &process.flows));
    if sankey.links.is_empty() {
        return None;
    }
    let mut fates: Vec<Fate> = sankey.links.iter().map(|link| link.fate).collect();
    fates.sort_unstable();
    fates.dedup();
    Some(Part {
        id: "paths".into(),
        title: "From where, how, to where".into(),
        body: html! {
            (wide("Diagram of flows from sources by mechanisms to sinks", &sankey.draw()))
            (legend(fates))
            p.note { "Bytes that wait in a pipe are left out: they count when they leave it." }
        },
    })
}

const fn source(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::None => "process",
        kind => kind.name(),
    }
}

const fn mechanism(flow: &Flow) -> &'static str {
    match (flow.mechanism, flow.source) {
        (Mechanism::ReadWrite, EndpointKind::None) => "write",
        (Mechanism::ReadWrite, _) => "read+write",
        (Mechanism::MmapWrite, _) => "write of a mapping",
        (mechanism, _) => mechanism.name(),
    }
}

impl Sankey {
    fn new<'a>(flows: impl Iterator<Item = &'a Flow>) -> Self {
        let mut sums: BTreeMap<(Key, Key, Fate), u64> = BTreeMap::new();
        let mut nodes: BTreeMap<Key, Node> = BTreeMap::new();
        for flow in flows.filter(|flow| flow.bytes > 0) {
            let Some(fate) = Fate::of(flow) else {
                continue;
            };
            let path = [
                (0, source(flow.source)),
                (1, mechanism(flow)),
                (2, flow.sink.name()),
            ];
            for key in path {
                let node = nodes.entry(key).or_insert(Node {
                    bytes: 0,
                    y: 0.0,
                    height: 0.0,
                });
                node.bytes = node.bytes.saturating_add(flow.bytes);
            }
            for ends in path.windows(2) {
                let sum = sums.entry((ends[0], ends[1], fate)).or_default();
                *sum = sum.saturating_add(flow.bytes);
            }
        }
        let height = place_nodes(&mut nodes);
        let links = place_links(&sums, &nodes);
        Self {
            nodes,
            links,
            height,
        }
    }

    fn draw(&self) -> Markup {
        let ordered = |column: usize| {
            let mut nodes: Vec<_> = self
                .nodes
                .iter()
                .filter(|(key, _)| key.0 == column)
                .collect();
            nodes.sort_by(|a, b| a.1.y.total_cmp(&b.1.y));
            nodes
        };
        html! {
            svg.sankey role="img" aria-label=(self.described()) viewBox=(format!("0 0 {WIDTH} {:.0}", self.height)) {
                @for link in &self.links {
                    path.band.(link.fate.css()) d=(link.path()) {
                        title { (link.described()) }
                    }
                }
                @for column in 0..COLUMNS.len() {
                    @for ((_, name), node) in ordered(column) {
                        rect.node x=(COLUMNS[column]) y=(format!("{:.1}", node.y)) width=(NODE)
                            height=(format!("{:.1}", node.height)) {}
                        (name_of(column, name, node))
                    }
                }
            }
        }
    }

    /// The first half of the bands says it all to those who do not see them.
    fn described(&self) -> String {
        let mut links: Vec<&Link> = self.links.iter().collect();
        links.sort_by_key(|link| Reverse(link.bytes));
        let described: Vec<String> = links.iter().take(20).map(|link| link.described()).collect();
        format!("Flows: {}", described.join("; "))
    }
}

/// Names of sources and sinks stand outside.
fn name_of(column: usize, name: &str, node: &Node) -> Markup {
    let (x, class) = match column {
        0 => (COLUMNS[0] - 8.0, "left"),
        column => (COLUMNS[column] + NODE + 8.0, "right"),
    };
    let y = node.y + node.height.max(LINE) / 2.0 + 4.0;
    html! {
        text.(class) x=(x) y=(format!("{y:.1}")) {
            (name) " " tspan.size { (units::bytes(node.bytes)) }
        }
    }
}

/// Places bars from the top, the largest first, so high that the fullest column fits; gives the height of
/// the whole.
#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn place_nodes(nodes: &mut BTreeMap<Key, Node>) -> f64 {
    let mut columns: [Vec<Key>; COLUMNS.len()] = Default::default();
    for key in nodes.keys() {
        columns[key.0].push(*key);
    }
    let fullest = columns.iter().map(Vec::len).max().unwrap_or_default() as f64;
    let room = 200.0 + 16.0 * fullest;
    let total: f64 = columns[0].iter().map(|key| nodes[key].bytes as f64).sum();
    let mut height: f64 = 0.0;
    for keys in &mut columns {
        keys.sort_by_key(|key| (Reverse(nodes[key].bytes), key.1));
        let mut y = GAP / 2.0;
        for key in keys {
            if let Some(node) = nodes.get_mut(key) {
                node.y = y;
                node.height = (room * node.bytes as f64 / total.max(1.0)).max(1.5);
                y += node.height.max(LINE) + GAP;
            }
        }
        height = height.max(y);
    }
    height
}

/// Places bands along their bars, in the order of the bars at their other ends.
#[expect(clippy::cast_precision_loss, reason = "for a drawing")]
fn place_links(sums: &BTreeMap<(Key, Key, Fate), u64>, nodes: &BTreeMap<Key, Node>) -> Vec<Link> {
    let mut links: Vec<Link> = sums
        .iter()
        .map(|((from, to, fate), bytes)| {
            let node = &nodes[from];
            Link {
                from: *from,
                to: *to,
                fate: *fate,
                bytes: *bytes,
                begin: 0.0,
                end: 0.0,
                width: node.height * *bytes as f64 / node.bytes as f64,
            }
        })
        .collect();
    let mut used: BTreeMap<(bool, Key), f64> = BTreeMap::new();
    let mut next = |is_end: bool, key: Key, width: f64| {
        let offset = used.entry((is_end, key)).or_default();
        *offset += width;
        nodes[&key].y + *offset - width
    };
    links.sort_by(|a, b| {
        (nodes[&a.to].y, a.fate)
            .partial_cmp(&(nodes[&b.to].y, b.fate))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    for link in &mut links {
        link.begin = next(false, link.from, link.width);
    }
    links.sort_by(|a, b| {
        (nodes[&a.from].y, a.begin)
            .partial_cmp(&(nodes[&b.from].y, b.begin))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    for link in &mut links {
        link.end = next(true, link.to, link.width);
    }
    links
}

impl Link {
    /// A band whose ends are level.
    fn path(&self) -> String {
        let (left, right) = (COLUMNS[self.from.0] + NODE, COLUMNS[self.to.0]);
        let middle = f64::midpoint(left, right);
        let width = self.width.max(1.0);
        let (top, bottom) = (self.begin, self.begin + width);
        let (end, end_bottom) = (self.end, self.end + width);
        format!(
            "M{left} {top:.1}C{middle} {top:.1} {middle} {end:.1} {right} {end:.1}V{end_bottom:.1}\
             C{middle} {end_bottom:.1} {middle} {bottom:.1} {left} {bottom:.1}Z"
        )
    }

    fn described(&self) -> String {
        format!(
            "{} to {}: {}, {}",
            self.from.1,
            self.to.1,
            units::bytes(self.bytes),
            self.fate.name()
        )
    }
}
