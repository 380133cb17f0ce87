//! The boxes of a graph, each with its estimates.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::share;
use crate::model::{Estimate, SiteKind};
use crate::report::graph::{Label, LabelKind, Weight, number};

/// Places in source files that one box names.
const PLACES: usize = 3;

/// Which of two profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Side {
    /// What is compared with.
    Base,
    /// The one that is looked at.
    New,
}

/// Boxes by their number; the first is the root.
pub(in crate::report) struct Tree {
    boxes: Vec<Node>,
    weight: Weight,
    /// Samples of the new profile.
    samples: u64,
}

/// One box.
pub(in crate::report) struct Node {
    pub(in crate::report) text: String,
    pub(in crate::report) kind: LabelKind,
    /// The kind of bytes of what is in it.
    pub(in crate::report) bytes: Option<SiteKind>,
    parent: Option<usize>,
    children: BTreeMap<(String, LabelKind, Option<SiteKind>), usize>,
    places: BTreeSet<String>,
    weights: Weights,
    /// The part of it that is in no child.
    own: Weights,
}

/// A weight in both profiles.
#[derive(Debug, Clone, Copy, Default)]
struct Weights {
    base: Estimate,
    new: Estimate,
}

impl Weights {
    fn add(&mut self, side: Side, weight: Estimate) {
        match side {
            Side::Base => self.base.add(weight),
            Side::New => self.new.add(weight),
        }
    }
}

impl Tree {
    pub(in crate::report) fn new(weight: Weight) -> Self {
        let root = Node::new(String::new(), LabelKind::Marker, None, None);
        Self {
            boxes: vec![root],
            weight,
            samples: 0,
        }
    }

    /// Adds samples that the stacks of the new profile stand for.
    pub(in crate::report) const fn count(&mut self, samples: u64) {
        self.samples = self.samples.saturating_add(samples);
    }

    /// Adds a stack of this weight times `scale`.
    pub(in crate::report) fn add(
        &mut self,
        side: Side,
        labels: Vec<Label>,
        bytes: Option<SiteKind>,
        weight: Estimate,
        scale: f64,
    ) {
        let weight = weight.times(scale);
        let mut at = 0;
        self.boxes[at].weights.add(side, weight);
        for label in labels {
            at = self.child(at, label, bytes);
            self.boxes[at].weights.add(side, weight);
        }
        self.boxes[at].own.add(side, weight);
    }

    /// The child of a box for this label; a process has bytes of all kinds.
    fn child(&mut self, parent: usize, label: Label, bytes: Option<SiteKind>) -> usize {
        let bytes = bytes.filter(|_| label.kind != LabelKind::Process);
        let next = self.boxes.len();
        let key = (label.text, label.kind, bytes);
        let at = *self.boxes[parent]
            .children
            .entry(key.clone())
            .or_insert(next);
        if at == next {
            self.boxes
                .push(Node::new(key.0, key.1, bytes, Some(parent)));
        }
        if let Some(place) = label.place {
            let places = &mut self.boxes[at].places;
            // One more than is named tells that there are more.
            if places.len() <= PLACES {
                places.insert(place);
            }
        }
        at
    }

    /// All boxes with their numbers, the root apart.
    pub(in crate::report) fn boxes(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.boxes.iter().enumerate().skip(1)
    }

    /// A box by its number; that of one that is none is the root.
    pub(in crate::report) fn node(&self, number: usize) -> &Node {
        self.boxes.get(number).unwrap_or(&self.boxes[0])
    }

    /// The boxes from the outermost to this one.
    pub(in crate::report) fn path(&self, number: usize) -> Vec<usize> {
        let mut path = vec![number];
        let mut at = number;
        while let Some(parent) = self.boxes[at].parent.filter(|&parent| parent != 0) {
            path.push(parent);
            at = parent;
        }
        path.reverse();
        path
    }

    /// What a box says: weights, share of all, places. Numbers that are no box say nothing.
    pub(in crate::report) fn describe(&self, number: usize, is_difference: bool) -> String {
        let Some(this) = self.boxes.get(number) else {
            return String::new();
        };
        let mut parts = vec![if is_difference {
            this.weights.change(self.weight)
        } else {
            let (new, root) = (this.weights.new, self.boxes[0].weights.new);
            let (share, margin) = share(new, root, self.samples);
            let margin = match self.weight {
                // The sum of all is counted; only which part of it a box is was sampled.
                Weight::Bytes if number == 0 => 0.0,
                Weight::Bytes => root.value * margin,
                Weight::Calls | Weight::Cpu => new.margin(),
            };
            let percent = 100.0 * share;
            format!(
                "{}, {percent:.1}%",
                with_margin(new.value, margin, self.weight)
            )
        }];
        parts.extend(this.places.iter().take(PLACES).cloned());
        if this.places.len() > PLACES {
            parts.push("…".to_owned());
        }
        parts.join(", ")
    }

    /// What became of the whole.
    pub(in crate::report) fn root_change(&self) -> String {
        self.boxes[0].weights.change(self.weight)
    }
}

impl Node {
    fn new(text: String, kind: LabelKind, bytes: Option<SiteKind>, parent: Option<usize>) -> Self {
        Self {
            text,
            kind,
            bytes,
            parent,
            children: BTreeMap::new(),
            places: BTreeSet::new(),
            weights: Weights::default(),
            own: Weights::default(),
        }
    }

    /// The numbers of its children, in the order of their names.
    pub(in crate::report) fn children(&self) -> impl Iterator<Item = usize> {
        self.children.values().copied()
    }

    /// How wide the part is that no child covers.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative estimates do not come up, and are 0 then; larger ones saturate"
    )]
    pub(in crate::report) fn own_width(&self) -> u64 {
        self.own.base.value.max(self.own.new.value).round() as u64
    }

    /// From -1, all gone, to 1, all new; 0 where the difference is within its margin.
    pub(in crate::report) fn change(&self) -> f64 {
        let Weights { base, new } = self.weights;
        let change = new.value - base.value;
        let larger = base.value.max(new.value);
        if change.abs() <= difference(base, new).margin() || larger <= 0.0 {
            return 0.0;
        }
        change / larger
    }
}

impl Weights {
    fn change(&self, weight: Weight) -> String {
        let change = difference(self.base, self.new);
        let sign = if change.value < 0.0 { '-' } else { '+' };
        format!(
            "{} to {}, {sign}{}",
            number(self.base.value, weight),
            number(self.new.value, weight),
            with_margin(change.value.abs(), change.margin(), weight),
        )
    }
}

fn difference(base: Estimate, new: Estimate) -> Estimate {
    Estimate {
        value: new.value - base.value,
        variance: new.variance + base.variance,
    }
}

fn with_margin(value: f64, margin: f64, weight: Weight) -> String {
    format!("{} ±{}", number(value, weight), number(margin, weight))
}
