//! Which processes are the same, though they are others: on another machine, or after a deploy.

use std::collections::BTreeMap;

use crate::model::ProcessFacts;

/// What makes processes the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MatchBy {
    /// Executable, arguments and runtime; those that have no equal, by executable, then by command name,
    /// where that leaves no choice.
    #[default]
    Program,
    /// The command name.
    Comm,
    /// The executable; the command name where that is not known.
    Exe,
    /// The cgroup, which of services of systemd is their name.
    Cgroup,
    /// The container.
    Container,
}

impl MatchBy {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Program,
        Self::Comm,
        Self::Exe,
        Self::Cgroup,
        Self::Container,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Comm => "comm",
            Self::Exe => "exe",
            Self::Cgroup => "cgroup",
            Self::Container => "container",
        }
    }
}

/// What a group has in common, from the most to the least telling.
pub(super) type Key = Vec<String>;

/// Command name first, so that groups are in its order.
pub(super) fn key(facts: &ProcessFacts, by: MatchBy) -> Key {
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
        MatchBy::Cgroup => vec![
            facts
                .cgroup
                .clone()
                .unwrap_or_else(|| "unknown cgroup".to_owned()),
        ],
        MatchBy::Container => vec![
            facts
                .container_id
                .clone()
                .unwrap_or_else(|| "no container".to_owned()),
        ],
    }
}

/// Names each by what tells it from the others.
pub(super) fn named<T>(groups: BTreeMap<Key, T>) -> Vec<(String, T)> {
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
            (name, group)
        })
        .collect()
}
