//! Which processes of one recording are those of another.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::alike::{self, Key, MatchBy, key};
use crate::analysis::comparison::Run;
use crate::model::ProcessId;

/// Processes by the places of their recordings.
pub(super) type Members = BTreeSet<(usize, ProcessId)>;

/// Processes that are the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) base: Members,
    pub(super) new: Members,
}

/// Puts the processes of both sides together.
pub(super) fn groups(base: &[Run<'_>], new: &[Run<'_>], by: MatchBy) -> Vec<Group> {
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    for (runs, side) in [
        (
            base,
            (|group| &mut group.base) as fn(&mut Group) -> &mut Members,
        ),
        (new, |group| &mut group.new),
    ] {
        for (index, run) in runs.iter().enumerate() {
            for process in &run.audit.processes {
                let group = groups.entry(key(&process.facts, by)).or_default();
                side(group).insert((index, process.id));
            }
        }
    }
    if by == MatchBy::Program {
        join(&mut groups, |key| {
            key.get(1).filter(|exe| !exe.is_empty()).cloned()
        });
        join(&mut groups, |key| key.first().cloned());
    }
    let named = alike::named(groups).into_iter();
    named.map(|(name, group)| Group { name, ..group }).collect()
}

/// Joins a group of the base alone with one that is new, where no others have the same `trait_of`.
fn join(groups: &mut BTreeMap<Key, Group>, trait_of: impl Fn(&Key) -> Option<String>) {
    let mut alone: BTreeMap<String, (Vec<Key>, Vec<Key>)> = BTreeMap::new();
    for (key, group) in &*groups {
        let Some(common) = trait_of(key) else {
            continue;
        };
        let (base, new) = alone.entry(common).or_default();
        match (group.base.is_empty(), group.new.is_empty()) {
            (false, true) => base.push(key.clone()),
            (true, false) => new.push(key.clone()),
            _ => {}
        }
    }
    for (base, new) in alone.into_values() {
        if let ([base], [new]) = (base.as_slice(), new.as_slice())
            && let Some(old) = groups.remove(base)
            && let Some(group) = groups.get_mut(new)
        {
            group.base = old.base;
        }
    }
}
