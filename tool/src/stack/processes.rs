//! What is mapped in the watched processes, remembered from one sample to the next.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, openat};

use super::maps::{self, Mapping};
use super::module::{Module, ModuleKind, Modules};
use crate::host::processes;
use crate::model::ProcessId;

/// Processes that are remembered at most.
const PROCESS_LIMIT: usize = 1024;
/// How long the mappings of a process are believed. It may load or unload code, or execute another
/// program, without an address that gives it away.
const BELIEVED: Duration = Duration::from_secs(2);
/// How soon at the latest mappings are read again for an address that they do not tell of. At first that
/// is at once, since a process may just have executed a program; each time in vain it is twice as long.
const MISSING: Duration = Duration::from_millis(50);
const FIRST_IN_VAIN: Duration = Duration::from_millis(1);
/// Share of the time that reading the mappings of one process may take.
const EFFORT: u32 = 50;

/// The processes.
#[derive(Debug, Default)]
pub(super) struct Processes {
    known: HashMap<ProcessId, Process>,
    modules: Modules,
    visits: u64,
}

/// What is known of one process.
#[derive(Debug)]
struct Process {
    mapped: Vec<Mapped>,
    jit: Option<Arc<Module>>,
    read_at: Instant,
    /// How long reading took.
    effort: Duration,
    /// How soon they are read again for an address that is missing.
    patience: Duration,
    last_visit: u64,
}

/// A mapping, and its module when that has been asked for.
#[derive(Debug)]
struct Mapped {
    mapping: Mapping,
    found: Option<Found>,
}

/// The module of a mapping.
#[derive(Debug)]
struct Found {
    module: Arc<Module>,
    bias: u64,
}

/// A process while its addresses are looked up.
pub(super) struct Visit<'processes> {
    id: ProcessId,
    process: &'processes mut Process,
    modules: &'processes mut Modules,
    now: Instant,
}

impl Processes {
    /// Looks at a process. Of one that is gone, what was known before stays known.
    pub(super) fn visit(&mut self, id: ProcessId, now: Instant) -> Visit<'_> {
        self.visits += 1;
        if !self.known.contains_key(&id) && self.known.len() >= PROCESS_LIMIT {
            let oldest = self
                .known
                .iter()
                .min_by_key(|(_, process)| process.last_visit);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.known.remove(&id);
            }
        }
        let process = self
            .known
            .entry(id)
            .or_insert_with(|| Process::read(id, now));
        process.last_visit = self.visits;
        if process.age(now) > process.at_least(BELIEVED) {
            process.read_again(id, now);
        }
        Visit {
            id,
            process,
            modules: &mut self.modules,
            now,
        }
    }

    /// Forgets a process.
    pub(super) fn forget(&mut self, id: ProcessId) {
        self.known.remove(&id);
    }
}

impl Visit<'_> {
    /// The module at an address of the process, and the address in the module's own terms.
    pub(super) fn locate(&mut self, address: u64) -> Option<(Arc<Module>, u64)> {
        if let Some(found) = self.locate_known(address) {
            return Some(found);
        }
        if self.process.age(self.now) < self.process.patience {
            return None;
        }
        self.process.read_again(self.id, self.now);
        let found = self.locate_known(address);
        self.process.be_patient(found.is_some());
        found
    }

    /// The same of what may be no address: mappings are not read again for it.
    pub(super) fn locate_known(&mut self, address: u64) -> Option<(Arc<Module>, u64)> {
        let place = self.process.find(address)?;
        Some(self.place(place, address))
    }

    fn place(&mut self, place: usize, address: u64) -> (Arc<Module>, u64) {
        let mapped = &mut self.process.mapped[place];
        let found = mapped.found.get_or_insert_with(|| {
            let module = module(
                self.id,
                &mapped.mapping,
                &mut self.process.jit,
                self.modules,
            );
            Found {
                bias: module.bias(mapped.mapping.start, mapped.mapping.offset),
                module,
            }
        });
        (Arc::clone(&found.module), address.wrapping_add(found.bias))
    }
}

impl Process {
    fn read(id: ProcessId, now: Instant) -> Self {
        let started = Instant::now();
        let mappings = mappings(id).unwrap_or_default();
        Self {
            mapped: mappings.into_iter().map(Mapped::new).collect(),
            jit: None,
            read_at: now,
            effort: started.elapsed(),
            patience: Duration::ZERO,
            last_visit: 0,
        }
    }

    /// Reads the mappings again. Modules of those that are still there stay.
    fn read_again(&mut self, id: ProcessId, now: Instant) {
        let started = Instant::now();
        self.read_at = now;
        if let Some(mappings) = mappings(id) {
            let mut old = std::mem::take(&mut self.mapped).into_iter().peekable();
            let mut is_other_program = true;
            for mapping in mappings {
                while old
                    .next_if(|old| old.mapping.start < mapping.start)
                    .is_some()
                {}
                let same = old.next_if(|old| old.mapping == mapping);
                is_other_program &= same.is_none() || mapping.inode == 0;
                self.mapped
                    .push(same.unwrap_or_else(|| Mapped::new(mapping)));
            }
            if is_other_program {
                self.jit = None;
            }
            self.renew(id);
        }
        self.effort = started.elapsed();
    }

    /// Sets when a missing address is worth another look, after one that was or was not.
    fn be_patient(&mut self, was_worth_it: bool) {
        let in_vain = (self.patience * 2).clamp(FIRST_IN_VAIN, MISSING);
        let patience = if was_worth_it { FIRST_IN_VAIN } else { in_vain };
        self.patience = self.at_least(patience);
    }

    /// Forgets what may be found now but was not before: files that could not be opened, and a perf
    /// map that was not there.
    fn renew(&mut self, id: ProcessId) {
        let lacks_file = |found: &Found| found.module.file().is_none();
        let is_new = |jit: &Arc<Module>| jit.file().is_none() && has_perf_map(id);
        if self.jit.as_ref().is_some_and(is_new) {
            self.jit = None;
        }
        for mapped in &mut self.mapped {
            mapped.found.take_if(|found| {
                lacks_file(found) && (found.module.kind() != ModuleKind::Jit || self.jit.is_none())
            });
        }
    }

    /// Which mapping an address lies in.
    fn find(&self, address: u64) -> Option<usize> {
        let behind = self
            .mapped
            .partition_point(|mapped| mapped.mapping.start <= address);
        let place = behind.checked_sub(1)?;
        (address < self.mapped[place].mapping.end).then_some(place)
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.read_at)
    }

    /// A time, or a longer one where reading takes long.
    fn at_least(&self, time: Duration) -> Duration {
        time.max(self.effort.saturating_mul(EFFORT))
    }
}

impl Mapped {
    const fn new(mapping: Mapping) -> Self {
        Self {
            mapping,
            found: None,
        }
    }
}

/// The executable mappings of a process; `None` where there is no such process any more.
fn mappings(id: ProcessId) -> Option<Vec<Mapping>> {
    let list = openat(
        processes::directory(id)?,
        "maps",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    );
    maps::read(File::from(list.ok()?)).ok()
}

/// The module of a mapping of a process.
fn module(
    id: ProcessId,
    mapping: &Mapping,
    jit: &mut Option<Arc<Module>>,
    modules: &mut Modules,
) -> Arc<Module> {
    /// Files that have no content of their own, but may hold a program.
    const MEMORY: [&[u8]; 3] = [b"/memfd:", b"/dev/zero", b"/SYSV"];
    let Some(process) = processes::directory(id) else {
        return Arc::new(Module::unopened(mapping));
    };
    if mapping.inode != 0 || mapping.name == b"[vdso]" {
        let module = modules.of_mapping(&process, mapping);
        let is_memory = MEMORY.iter().any(|name| mapping.name.starts_with(name));
        if module.is_elf() || !is_memory {
            return module;
        }
    }
    Arc::clone(jit.get_or_insert_with(|| Arc::new(Module::jit(&process))))
}

fn has_perf_map(id: ProcessId) -> bool {
    processes::directory(id).is_some_and(|process| Module::jit(&process).file().is_some())
}
