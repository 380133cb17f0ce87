//! Facts of the processes that were counted, also of those that are gone.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, SystemTime};

use copytax_common::{PROCESS_EXECED, PROCESS_EXITED, ProcessRecord};

use crate::host::cgroups::Hierarchy;
use crate::host::kernel::{self, Namespace};
use crate::host::processes::{self, NS_PER_TICK};
use crate::host::runtime::Runtimes;
use crate::host::{af_xdp, container};
use crate::model::{ProcessFacts, ProcessId, Runtime};

/// Forks between a process and the ancestor that still tells its executable.
const MAX_ANCESTORS: usize = 16;

/// Facts from /proc at the beginning, to be joined with what the kernel half saw.
pub(super) struct Names {
    at_start: HashMap<(u32, u64), ProcessFacts>,
    /// In a pid namespace of its own /proc has other pids than the kernel half: this process, by
    /// start time in ticks and name.
    namespaced: Option<(u64, String)>,
    cgroups: OnceCell<BTreeMap<u64, String>>,
    /// Filled for the processes that were counted only.
    runtimes: RefCell<Runtimes>,
}

impl Names {
    /// Reads /proc.
    pub(super) fn collect() -> Self {
        Self {
            at_start: processes::all()
                .map(|(pid, ticks, facts)| ((pid, ticks), facts))
                .collect(),
            namespaced: (Namespace::Pid.is_initial() == Some(false))
                .then(|| processes::facts(std::process::id()))
                .flatten()
                .map(|(ticks, facts)| (ticks, facts.comm)),
            cgroups: OnceCell::new(),
            runtimes: RefCell::default(),
        }
    }

    /// Facts of the processes `counted`, given what the kernel half remembers, and the facts of
    /// those `ended` that it no longer does.
    pub(super) fn resolve(
        &self,
        counted: &BTreeSet<ProcessId>,
        records: &HashMap<ProcessId, ProcessRecord>,
        ended: &BTreeMap<ProcessId, ProcessFacts>,
    ) -> BTreeMap<ProcessId, ProcessFacts> {
        let known = Known {
            names: self,
            records,
            ended,
        };
        counted.iter().map(|id| (*id, known.facts(*id))).collect()
    }

    /// Whether this is the tool itself, which the kernel half leaves out where it is told its pid.
    pub(super) fn is_self(&self, id: ProcessId, facts: &ProcessFacts) -> bool {
        self.namespaced.as_ref().is_some_and(|(ticks, comm)| {
            *ticks == id.start_time_ns / NS_PER_TICK && *comm == facts.comm
        })
    }

    fn at_start(&self, id: ProcessId) -> Option<&ProcessFacts> {
        let ticks = id.start_time_ns / NS_PER_TICK;
        self.at_start
            .get(&(id.pid, ticks))
            .filter(|_| self.namespaced.is_none())
    }

    fn cgroups(&self) -> &BTreeMap<u64, String> {
        self.cgroups.get_or_init(|| {
            Hierarchy::find()
                .map(|hierarchy| hierarchy.paths())
                .unwrap_or_default()
        })
    }
}

/// All that is known of processes at one moment.
struct Known<'a> {
    names: &'a Names,
    records: &'a HashMap<ProcessId, ProcessRecord>,
    ended: &'a BTreeMap<ProcessId, ProcessFacts>,
}

impl Known<'_> {
    fn facts(&self, id: ProcessId) -> ProcessFacts {
        let record = self.records.get(&id);
        let has_exited = record.is_some_and(|record| record.flags & PROCESS_EXITED != 0);
        if !has_exited
            && self.names.namespaced.is_none()
            // Asked first: if the process is the right one after that, it was so before.
            && let af_xdp = af_xdp::is_used_by(id.pid)
            && let runtime = self.names.runtimes.borrow_mut().of_process(id.pid)
            && let Some((ticks, facts)) = processes::facts(id.pid)
            && ticks == id.start_time_ns / NS_PER_TICK
        {
            return ProcessFacts {
                af_xdp,
                runtime,
                ..facts
            };
        }
        let mut facts = record.map_or_else(
            || self.names.at_start(id).cloned().unwrap_or_default(),
            |record| self.recorded(id, record),
        );
        facts.exited = has_exited || self.names.namespaced.is_none();
        facts
    }

    /// Facts of a process that is gone.
    fn recorded(&self, id: ProcessId, record: &ProcessRecord) -> ProcessFacts {
        let known = self.names.at_start(id);
        let cgroup = match known.and_then(|facts| facts.cgroup.clone()) {
            Some(path) => Some(path),
            None => self.names.cgroups().get(&record.cgroup_id).cloned(),
        };
        let container_id = cgroup.as_deref().and_then(container::id_of_path);
        let exe = self.exe(id, record);
        // The path of a program in a container leads to another file here.
        let here = exe.as_deref().filter(|_| container_id.is_none());
        ProcessFacts {
            comm: text(&record.comm),
            runtime: here.and_then(|exe| self.runtime_of_program(id, exe)),
            exe,
            cmdline: arguments(record),
            container_id: container_id.map(str::to_owned),
            cgroup,
            exited: true,
            af_xdp: None,
        }
    }

    /// The runtime of the program at a path, as it was when the process began.
    fn runtime_of_program(&self, id: ProcessId, exe: &str) -> Option<Runtime> {
        let age = kernel::since_boot_ns().checked_sub(id.start_time_ns)?;
        let began = SystemTime::now().checked_sub(Duration::from_nanos(age))?;
        let mut runtimes = self.names.runtimes.borrow_mut();
        runtimes.of_program(Path::new(exe), began)
    }

    /// The executable: as named at its exec, or that of the ancestor it was forked from, as long as
    /// both have the same arguments.
    fn exe(&self, id: ProcessId, record: &ProcessRecord) -> Option<String> {
        let cmdline = arguments(record);
        let (mut id, mut record) = (id, Some(record));
        for _ in 0..MAX_ANCESTORS {
            if let Some(found) = record
                && found.flags & PROCESS_EXECED != 0
            {
                return (arguments(found) == cmdline).then(|| text(&found.filename));
            }
            let known = self.ended.get(&id).or_else(|| self.names.at_start(id));
            if let Some(facts) = known {
                return facts.exe.clone().filter(|_| facts.cmdline == cmdline);
            }
            let parent = record?.parent;
            id = parent.into();
            record = self.records.get(&id);
        }
        None
    }
}

/// What a record says without anything else: command name, file name, arguments.
#[cfg(any(test, fuzzing))]
pub(crate) fn named(record: &ProcessRecord) -> (String, String, Vec<String>) {
    (
        text(&record.comm),
        text(&record.filename),
        arguments(record),
    )
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
