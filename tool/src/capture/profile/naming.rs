//! Names for the frames of stacks.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use super::stacks::{StackId, Unnamed};
use crate::model::{Build, Frame, ProcessId, Stack};
use crate::stack::module::{Module, ModuleKind};
use crate::stack::symbols::{ProcessFiles, Symbolizer};
use crate::stack::unwind::Location;

/// Processes whose files are kept for the time when their code is named.
const MAX_PROCESSES: usize = 1_024;

/// Builds that are noted.
const MAX_BUILDS: usize = 16_384;

/// The files of processes that were sampled.
#[derive(Debug, Clone, Default)]
pub(super) struct Processes(HashMap<ProcessId, Option<Arc<ProcessFiles>>>);

impl Processes {
    /// Makes sure that the code of a process can be named when it has ended.
    pub(super) fn keep(&mut self, process: ProcessId) {
        if !self.0.contains_key(&process) && self.0.len() < MAX_PROCESSES {
            let files = ProcessFiles::of(process.pid);
            let files = files
                .inspect_err(|error| tracing::debug!("files of {}: {error}", process.pid))
                .ok();
            self.0.insert(process, files.map(Arc::new));
        }
    }

    fn of(&self, process: ProcessId) -> Option<&Arc<ProcessFiles>> {
        self.0.get(&process)?.as_ref()
    }
}

/// Names the frames of stacks, each once: what code was called is known best while its process runs.
#[derive(Debug, Default)]
pub(in crate::capture) struct Namer {
    symbols: Symbolizer,
    /// In the order of their ids.
    named: Vec<Arc<Stack>>,
    builds: BTreeSet<Build>,
}

impl Namer {
    /// How many stacks it has named.
    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    /// A stack that it has named.
    pub(super) fn stack(&self, id: StackId) -> Option<Arc<Stack>> {
        self.named.get(id.index()).cloned()
    }

    /// Which builds the files are that it has named code of.
    pub(super) fn builds(&self) -> &BTreeSet<Build> {
        &self.builds
    }

    /// Names the stacks that come after those that it has named.
    pub(super) fn name(&mut self, stacks: &[Arc<Unnamed>], processes: &Processes) {
        for stack in stacks {
            let mut frames = Vec::with_capacity(stack.locations.len());
            for location in &stack.locations {
                match stack.process {
                    Some(process) => {
                        if let Some(module) = &location.module {
                            note_build(&mut self.builds, module);
                        }
                        let files = processes.of(process);
                        name_user(&mut self.symbols, location, files, &mut frames);
                    }
                    None => frames.push(self.symbols.kernel(location.instruction())),
                }
            }
            self.named.push(Arc::new(Stack {
                frames,
                end: stack.end,
            }));
        }
    }
}

fn note_build(builds: &mut BTreeSet<Build>, module: &Module) {
    let Some(bytes) = module.build_id() else {
        return;
    };
    let mut id = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    if builds.len() < MAX_BUILDS {
        builds.insert(Build {
            module: Arc::clone(module.name()),
            id: id.into(),
        });
    }
}

fn name_user(
    symbols: &mut Symbolizer,
    location: &Location,
    process: Option<&Arc<ProcessFiles>>,
    frames: &mut Vec<Frame>,
) {
    let address = location.instruction();
    let Some(module) = &location.module else {
        frames.push(symbols.unmapped(address));
        return;
    };
    match (module.kind(), module.file(), process) {
        (ModuleKind::Vdso, _, _) => frames.extend_from_slice(&symbols.vdso(address)),
        (ModuleKind::Jit, _, Some(process)) => frames.push(symbols.jit(process, address)),
        (ModuleKind::File, Some(file), _) => {
            let id = symbols.module(file, module.name(), process);
            frames.extend_from_slice(&symbols.frames(id, address));
        }
        // The module is known by name at least.
        (ModuleKind::File | ModuleKind::Jit, _, _) => {
            frames.push(symbols.unnamed_in(module.name(), address));
        }
    }
}
