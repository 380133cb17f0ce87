//! What flame graphs, folded stacks and pprof profiles have in common: which stacks, of what weight.

mod facts;
mod label;
mod options;
mod stacks;

use std::collections::BTreeMap;

use crate::model::{ProcessFacts, ProcessId, Profile, Snapshot, Window};

pub(super) use facts::{Facts, number, site_kind};
pub(super) use label::{Label, LabelKind, labels, place};
pub use options::{GraphOptions, Only, Side, Weight};
pub(super) use stacks::{Step, Weighted, weighted};

/// What was sampled, and of whom.
#[derive(Debug, Clone, Copy)]
pub struct Sampled<'a> {
    /// The samples, added up.
    pub profile: &'a Profile,
    /// Facts of the processes that it names, as far as they are known.
    pub processes: &'a BTreeMap<ProcessId, ProcessFacts>,
    /// When and how long.
    pub window: &'a Window,
}

impl<'a> From<&'a Snapshot> for Sampled<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        Self {
            profile: &snapshot.profile,
            processes: &snapshot.processes,
            window: &snapshot.window,
        }
    }
}
