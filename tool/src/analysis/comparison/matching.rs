//! Which processes of one recording are those of another.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::comparison::Run;
use crate::model::{ProcessFacts, ProcessId};

/// What makes processes the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MatchBy {
    /// Executable, arguments and runtime; those that have no equal, by executable, then by command name,
    /// where that leaves no choice.
    #[default]
    Program,
    /// The command name.
    Comm,
    /// The executable.
    Exe,
    /// The container.
    Container,
}

impl MatchBy {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Program, Self::Comm, Self::Exe, Self::Container];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Comm => "comm",
            Self::Exe => "exe",
            Self::Container => "container",
        }
    }
}

/// Processes by the places of their recordings.
pub(super) type Members = BTreeSet<(usize, ProcessId)>;

/// Processes that are the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) base: Members,
    pub(super) new: Members,
}

/// What a group has in common, from the most to the least telling.
type Key = Vec<String>;

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
    name(groups)
}

/// Command name first, so that groups are in its order.
fn key(facts: &ProcessFacts, by: MatchBy) -> Key {
    let runtime = facts.runtime.as_ref();
    let exe = facts.exe.clone().unwrap_or_default();
    match by {
        MatchBy::Program => vec![
            facts.comm.clone(),
            exe,
            facts.cmdline.join(" "),
            runtime.map_or("", |runtime| runtime.name.name()).to_owned(),
        ],
        MatchBy::Comm => vec![facts.comm.clone()],
        MatchBy::Exe if exe.is_empty() => vec![facts.comm.clone()],
        MatchBy::Exe => vec![exe],
        MatchBy::Container => vec![
            facts
                .container_id
                .clone()
                .unwrap_or_else(|| "no container".to_owned()),
        ],
    }
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

/// Names each by what tells it from the others.
fn name(groups: BTreeMap<Key, Group>) -> Vec<Group> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for key in groups.keys() {
        *times.entry(key[0].clone()).or_default() += 1;
    }
    groups
        .into_iter()
        .map(|(key, group)| {
            let is_alone = times.get(&key[0]) == Some(&1);
            let arguments = key.get(2).filter(|arguments| !arguments.is_empty());
            let name = match arguments.filter(|_| !is_alone) {
                Some(arguments) => format!("{} ({arguments})", key[0]),
                None => key[0].clone(),
            };
            Group { name, ..group }
        })
        .collect()
}
