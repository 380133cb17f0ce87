//! Processes in groups, with sums that never fall: what a time series is made of.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use copytax_common::{Class, EndpointKind};

use crate::model::{Audit, Flow, Mechanism, ProcessFacts, ProcessId};

/// What processes are put together by. The strings come from the processes and are untrusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Path of the executable; the command name where that is not known.
    pub exe: String,
    /// Path of the cgroup, empty where it is not known.
    pub cgroup: String,
    /// Container id, empty for none.
    pub container: String,
    /// Uid of the pod of Kubernetes, empty for none.
    pub pod_uid: String,
}

impl Group {
    fn of(facts: &ProcessFacts) -> Self {
        let cgroup = facts.cgroup.clone().unwrap_or_default();
        Self {
            exe: facts.exe.clone().unwrap_or_else(|| facts.comm.clone()),
            container: facts.container_id.clone().unwrap_or_default(),
            pod_uid: pod_uid(&cgroup).unwrap_or_default(),
            cgroup,
        }
    }
}

/// Uid of the pod that a cgroup belongs to: a part of the path named `pod<uid>` by the driver `cgroupfs`, or
/// `kubepods-<class>-pod<uid>.slice`, with `_` for `-`, by systemd's (`pkg/kubelet/cm/cgroup_manager_linux.go`
/// and `pod_container_manager_linux.go`, Kubernetes 1.31). In a cgroup namespace the path begins with `/..`, and
/// what it has in common with one's own is not in it.
fn pod_uid(cgroup: &str) -> Option<String> {
    if !cgroup.contains("kubepods") && !cgroup.starts_with("/..") {
        return None;
    }
    cgroup.split('/').rev().find_map(|part| {
        let part = part.strip_suffix(".slice").unwrap_or(part);
        let (before, uid) = part.rsplit_once("pod")?;
        let is_uid = |letter: char| letter.is_ascii_hexdigit() || letter == '-' || letter == '_';
        let is_pod = before.is_empty() || before.ends_with('-');
        (is_pod && uid.len() >= 32 && uid.chars().all(is_uid)).then(|| uid.replace('_', "-"))
    })
}

/// How bytes of a group moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Way {
    /// By which call.
    pub mechanism: Mechanism,
    /// Where they came from.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// What happened to them; of classes that reports do not tell apart, the first.
    pub class: Class,
    /// Whether the kernel could have moved them.
    pub lost: bool,
}

impl Way {
    const fn of(flow: &Flow) -> Self {
        Self {
            mechanism: flow.mechanism,
            source: flow.source,
            sink: flow.sink,
            class: kind(flow.class),
            lost: flow.lost,
        }
    }
}

const fn kind(class: Class) -> Class {
    match class {
        Class::ZeroCopy | Class::ByReference => Class::ZeroCopy,
        Class::SameBuffer | Class::SameContent => Class::SameBuffer,
        Class::SameSize | Class::TlsRecord => Class::SameSize,
        Class::Unknown | Class::Ingest => Class::Unknown,
        Class::Staged | Class::Mapped | Class::Generated => class,
    }
}

/// Sums of one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes.
    pub bytes: u64,
    /// Calls that contributed bytes.
    pub calls: u64,
}

/// Sums of groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grouped {
    /// By group, `None` for the processes that are not told apart.
    pub groups: BTreeMap<Option<Group>, BTreeMap<Way, Moved>>,
    /// Processes that are not told apart.
    pub others: u64,
}

/// Remembers which groups are told apart, and who is in them: a process stays where it was put, or sums of
/// a group could fall.
#[derive(Debug)]
pub struct Groups {
    limit: usize,
    known: BTreeSet<Group>,
    members: HashMap<ProcessId, Option<Group>>,
}

impl Groups {
    /// At most `limit` groups are told apart: the first ones.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            known: BTreeSet::new(),
            members: HashMap::new(),
        }
    }

    /// Adds up what the processes of an audit have moved since counting began.
    pub fn add_up(&mut self, audit: &Audit) -> Grouped {
        let mut grouped = Grouped::default();
        let mut members = HashMap::with_capacity(audit.processes.len());
        for process in &audit.processes {
            let group = match self.members.remove(&process.id) {
                Some(group) => group,
                None => self.place(&process.facts),
            };
            grouped.others += u64::from(group.is_none());
            let sums = grouped.groups.entry(group.clone()).or_default();
            for flow in &process.flows {
                let sum = sums.entry(Way::of(flow)).or_default();
                sum.bytes = sum.bytes.saturating_add(flow.bytes);
                sum.calls = sum.calls.saturating_add(flow.calls);
            }
            members.insert(process.id, group);
        }
        self.members = members;
        grouped
    }

    fn place(&mut self, facts: &ProcessFacts) -> Option<Group> {
        let group = Group::of(facts);
        if !self.known.contains(&group) {
            if self.known.len() >= self.limit {
                return None;
            }
            self.known.insert(group.clone());
        }
        Some(group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture;

    #[test]
    fn pods() {
        let uid = "0f7d2b54-1c3e-4b6a-9d8e-2f5a6b7c8d9e";
        let underscored = uid.replace('-', "_");
        for cgroup in [
            format!(
                "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{underscored}.slice/\
                 cri-containerd-abc.scope"
            ),
            format!("/kubepods.slice/kubepods-pod{underscored}.slice"),
            format!("/kubepods/besteffort/pod{uid}/abc"),
            format!("/../../pod{uid}/abc"),
            format!("/../../kubepods-burstable-pod{underscored}.slice/crio-abc.scope"),
        ] {
            assert_eq!(pod_uid(&cgroup).as_deref(), Some(uid), "{cgroup}");
        }
        for cgroup in [
            "/system.slice/podman.service",
            "/kubepods/podx",
            "",
            "/kubepods",
        ] {
            assert_eq!(pod_uid(cgroup), None, "{cgroup}");
        }
    }

    #[test]
    fn groups_beyond_the_limit_are_others() {
        let audit = crate::analysis::audit(fixture::snapshot());
        let all: u64 = audit
            .processes
            .iter()
            .flat_map(|process| &process.flows)
            .map(|flow| flow.bytes)
            .sum();
        let sum = |grouped: &Grouped| -> u64 {
            let ways = grouped.groups.values().flat_map(BTreeMap::values);
            ways.map(|moved| moved.bytes).sum()
        };
        let mut few = Groups::new(1);
        let grouped = few.add_up(&audit);
        assert_eq!(sum(&grouped), all);
        assert!(grouped.groups.len() <= 2);
        assert_eq!(grouped.others > 0, grouped.groups.contains_key(&None));
        assert_eq!(few.add_up(&audit), grouped, "who is where stays");
        let grouped = Groups::new(1000).add_up(&audit);
        assert_eq!((sum(&grouped), grouped.others), (all, 0));
    }
}
