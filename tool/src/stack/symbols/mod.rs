//! From addresses to names.
//!
//! A frame that cannot be named has no function, never that of a neighbour. What names it was written
//! by the owner of the process, and is read as such: see `copy.rs`, `bytes.rs` and `process.rs`.

mod bytes;
mod copy;
mod debug_file;
mod elf;
mod go;
mod image;
mod kernel;
mod module;
mod names;
mod perf_map;
mod process;
mod vdso;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use debug_file::DebugDirectories;
use kernel::Kernel;
use module::Module;
use names::Names;
pub use process::ProcessFiles;

use crate::model::{Frame, Language};

/// Addresses whose frames are remembered, some 30 MiB; when there are more, all are forgotten.
const MOST_ADDRESSES: usize = 1 << 17;
/// Modules whose tables are in memory at a time.
const MOST_LOADED: usize = 64;

/// What the modules of frames are called that are in no file.
const VDSO: &str = "[vdso]";
const JIT: &str = "[jit]";
const KERNEL: &str = "[kernel]";

/// A file that code was mapped from, as [`Symbolizer::module`] knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModuleId(usize);

/// One function that an instruction is a part of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    is_inlined: bool,
}

/// Names addresses. Each is the address of an instruction that was executed: of a return address, of
/// the byte in front of it.
///
/// It keeps what it has read, so one serves all processes of a profile. Tables are read when they are
/// first asked for, of the files that were given, whatever has become of their names.
#[derive(Debug, Default)]
pub struct Symbolizer {
    directories: DebugDirectories,
    names: Names,
    modules: Vec<Module>,
    by_file: HashMap<(FileId, Arc<str>), ModuleId>,
    known: HashMap<(ModuleId, u64), Arc<[Frame]>>,
    vdso: Option<ModuleId>,
    kernel: Option<Kernel>,
    /// Times that a module's tables were wanted: tells which was wanted last.
    turn: u64,
}

/// What makes an open file the same as another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FileId {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Symbolizer {
    /// One that looks for debug files of packages in these directories instead of `/usr/lib/debug`.
    #[must_use]
    pub fn with_debug_directories(directories: Vec<PathBuf>) -> Self {
        Self {
            directories: DebugDirectories::new(directories),
            ..Self::default()
        }
    }

    /// Makes a file known. `path` is what its process calls it, `process` where else to look for its
    /// debug file.
    pub fn module(
        &mut self,
        file: &Arc<File>,
        path: &str,
        process: Option<&Arc<ProcessFiles>>,
    ) -> ModuleId {
        let name = self.names.shared(path);
        let id = FileId::of(file);
        let next = ModuleId(self.modules.len());
        let known = id.map(|id| *self.by_file.entry((id, Arc::clone(&name))).or_insert(next));
        if let Some(known) = known.filter(|known| *known != next) {
            return known;
        }
        let (file, process) = (Arc::clone(file), process.map(Arc::clone));
        self.modules.push(Module::new(file, name, process));
        next
    }

    /// The frames of an address of a module in the file's own terms, innermost first; at least one,
    /// unless it is in a wrapper that Go's own traces leave out.
    pub fn frames(&mut self, module: ModuleId, address: u64) -> Arc<[Frame]> {
        if let Some(known) = self.known.get(&(module, address)) {
            return Arc::clone(known);
        }
        let frames: Arc<[Frame]> = self.find(module, address).into();
        if self.known.len() >= MOST_ADDRESSES {
            self.known.clear();
        }
        self.known.insert((module, address), Arc::clone(&frames));
        frames
    }

    /// The frames of an address in the image of the vdso.
    pub fn vdso(&mut self, address: u64) -> Arc<[Frame]> {
        let module = self.vdso.or_else(|| {
            let image = vdso::image()
                .inspect_err(|error| tracing::debug!("no image of the vdso: {error}"))
                .ok()?;
            Some(self.module(&Arc::new(image), VDSO, None))
        });
        self.vdso = module;
        match module {
            Some(module) => self.frames(module, address),
            None => Arc::from([self.unnamed(Some(VDSO), address, Language::Native)]),
        }
    }

    /// The frame of an address in memory that is no file's: code that was compiled at run time.
    pub fn jit(&mut self, process: &ProcessFiles, address: u64) -> Frame {
        let frame = self.unnamed(Some(JIT), address, Language::Jit);
        let Some(name) = process.perf_map().and_then(|map| map.name(address)) else {
            return frame;
        };
        Frame {
            function: name.function.map(|name| self.names.shared(&name)),
            file: name.file.map(|name| self.names.shared(&name)),
            line: name.line,
            ..frame
        }
    }

    /// The frame of an address of the kernel. The first one takes a tenth of a second.
    pub fn kernel(&mut self, address: u64) -> Frame {
        let kernel = self.kernel.get_or_insert_with(Kernel::read);
        let function = kernel.function(address);
        let function = function.map(|name| self.names.shared(name));
        Frame {
            function,
            ..self.unnamed(Some(KERNEL), address, Language::Kernel)
        }
    }

    /// The frame of an address where nothing is known to be mapped.
    pub fn unmapped(&mut self, address: u64) -> Frame {
        self.unnamed(None, address, Language::Native)
    }

    fn unnamed(&mut self, module: Option<&str>, address: u64, language: Language) -> Frame {
        Frame {
            function: None,
            file: None,
            line: None,
            module: module.map(|name| self.names.shared(name)),
            address,
            is_inlined: false,
            language,
        }
    }

    fn find(&mut self, id: ModuleId, address: u64) -> Vec<Frame> {
        self.turn += 1;
        let Some(module) = self.modules.get_mut(id.0) else {
            return vec![self.unmapped(address)];
        };
        let is_new = module.load(&self.directories, self.turn);
        let (calls, language) = module.calls(address);
        let name = Arc::clone(module.name());
        if is_new {
            self.unload_oldest();
        }
        let frame = |call: Call, names: &mut Names| Frame {
            function: call.function.map(|name| names.shared(&name)),
            file: call.file.map(|name| names.shared(&name)),
            line: call.line,
            module: Some(Arc::clone(&name)),
            address,
            is_inlined: call.is_inlined,
            language,
        };
        calls
            .into_iter()
            .map(|call| frame(call, &mut self.names))
            .collect()
    }

    /// Forgets the tables that were not wanted for the longest time, if there are too many.
    fn unload_oldest(&mut self) {
        let loaded = self.modules.iter_mut().filter(|module| module.is_loaded());
        let (mut count, mut oldest) = (0, None::<&mut Module>);
        for module in loaded {
            count += 1;
            if oldest.as_ref().is_none_or(|oldest| module.turn() < oldest.turn()) {
                oldest = Some(module);
            }
        }
        if let Some(oldest) = oldest.filter(|_| count > MOST_LOADED) {
            oldest.unload();
        }
    }
}

impl FileId {
    fn of(file: &File) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = file.metadata().ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            changed: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}
