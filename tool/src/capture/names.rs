//! Facts of the processes that were counted, also of those that are gone.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use copytax_common::{PROCESS_EXECED, PROCESS_EXITED, ProcessRecord};

use crate::host::cgroups::Hierarchy;
use crate::host::{container, processes};
use crate::model::{ProcessFacts, ProcessId};

/// `USER_HZ` is 100 on every architecture that is supported: /proc counts in 10 ms.
const NS_PER_TICK: u64 = 10_000_000;

/// Forks between a process and the ancestor that still tells its executable.
const MAX_ANCESTORS: usize = 16;

/// Facts from /proc at the beginning, to be joined with what the kernel half saw.
pub(super) struct Names {
    at_start: HashMap<(u32, u64), ProcessFacts>,
    cgroups: OnceCell<BTreeMap<u64, String>>,
}

impl Names {
    /// Reads /proc.
    pub(super) fn collect() -> Self {
        Self {
            at_start: processes::all()
                .map(|(pid, ticks, facts)| ((pid, ticks), facts))
                .collect(),
            cgroups: OnceCell::new(),
        }
    }

    /// Facts of the processes `counted`.
    pub(super) fn resolve(
        &self,
        counted: &BTreeSet<ProcessId>,
        records: &HashMap<ProcessId, ProcessRecord>,
    ) -> BTreeMap<ProcessId, ProcessFacts> {
        counted
            .iter()
            .map(|id| (*id, self.facts(*id, records)))
            .collect()
    }

    fn facts(&self, id: ProcessId, records: &HashMap<ProcessId, ProcessRecord>) -> ProcessFacts {
        let record = records.get(&id);
        let has_exited = record.is_some_and(|record| record.flags & PROCESS_EXITED != 0);
        if !has_exited
            && let Some((ticks, facts)) = processes::facts(id.pid)
            && ticks == id.start_time_ns / NS_PER_TICK
        {
            return facts;
        }
        let mut facts = record.map_or_else(
            || self.at_start(id).cloned().unwrap_or_default(),
            |record| self.recorded(id, record, records),
        );
        facts.exited = true;
        facts
    }

    fn at_start(&self, id: ProcessId) -> Option<&ProcessFacts> {
        self.at_start.get(&(id.pid, id.start_time_ns / NS_PER_TICK))
    }

    /// Facts of a process that is gone.
    fn recorded(
        &self,
        id: ProcessId,
        record: &ProcessRecord,
        records: &HashMap<ProcessId, ProcessRecord>,
    ) -> ProcessFacts {
        let known = self.at_start(id);
        let cgroup = match known.and_then(|facts| facts.cgroup.clone()) {
            Some(path) => Some(path),
            None => self.cgroups().get(&record.cgroup_id).cloned(),
        };
        ProcessFacts {
            comm: text(&record.comm),
            exe: self.exe(id, record, records),
            cmdline: arguments(record),
            container_id: cgroup
                .as_deref()
                .and_then(container::id_of_path)
                .map(str::to_owned),
            cgroup,
            exited: true,
        }
    }

    /// The executable: as named at its exec, or that of the ancestor it was forked from, as long as
    /// both have the same arguments.
    fn exe(
        &self,
        id: ProcessId,
        record: &ProcessRecord,
        records: &HashMap<ProcessId, ProcessRecord>,
    ) -> Option<String> {
        let cmdline = arguments(record);
        let (mut id, mut record) = (id, Some(record));
        for _ in 0..MAX_ANCESTORS {
            if let Some(found) = record
                && found.flags & PROCESS_EXECED != 0
            {
                return (arguments(found) == cmdline).then(|| text(&found.filename));
            }
            if let Some(facts) = self.at_start(id) {
                return facts.exe.clone().filter(|_| facts.cmdline == cmdline);
            }
            let parent = record?.parent;
            id = parent.into();
            record = records.get(&id);
        }
        None
    }

    fn cgroups(&self) -> &BTreeMap<u64, String> {
        self.cgroups.get_or_init(|| {
            Hierarchy::find()
                .map(|hierarchy| hierarchy.paths())
                .unwrap_or_default()
        })
    }
}

/// Bytes up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

fn arguments(record: &ProcessRecord) -> Vec<String> {
    let length = (record.cmdline_len as usize).min(record.cmdline.len());
    let bytes = &record.cmdline[..length];
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes
        .split(|byte| *byte == 0)
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}
