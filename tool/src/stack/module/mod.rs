//! What code of a process lies in: an ELF file, the kernel's vdso, or memory that was written at
//! run time.

mod open;
mod registry;

use std::fmt;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use gimli::BaseAddresses;

use super::elf::{Elf, Section};
use super::maps::Mapping;
use super::unwind::tables::{Form, Table};

pub(super) use registry::Modules;

/// Bytes of a section of call frame information that are read at most; those of browsers have some
/// 20 MB.
const TABLE_LIMIT: u64 = 64 << 20;

/// Bytes of call frame information that all modules together hold at most.
const TABLES_LIMIT: u64 = 512 << 20;
/// Bytes that they hold.
static TABLES: AtomicU64 = AtomicU64::new(0);

/// Name of memory that no file backs.
const JIT: &str = "[jit]";

/// Code that one or more processes have mapped.
///
/// It keeps its file open, so that it can be symbolized when the process has ended or the file has
/// lost its name.
pub struct Module {
    id: u32,
    kind: ModuleKind,
    name: Arc<str>,
    file: Option<Arc<File>>,
    /// Of code that was compiled at run time, the memory of its process.
    memory: Option<File>,
    elf: Option<Elf>,
    tables: OnceLock<Vec<Table>>,
}

/// What kind of thing a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModuleKind {
    /// A file that the process has mapped.
    File,
    /// The code that the kernel maps into each process. Its file is a copy of it.
    Vdso,
    /// Memory that no file backs: compiled at run time. Its file is the perf map of its process,
    /// where it had one, and its addresses are those of the process.
    Jit,
}

impl Module {
    /// A module. `file` is what was mapped, or else what [`ModuleKind`] says.
    fn new(kind: ModuleKind, name: Arc<str>, file: Option<File>) -> Self {
        /// Distinguishes modules, also from those that are gone.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let elf = match kind {
            ModuleKind::File | ModuleKind::Vdso => file.as_ref().and_then(Elf::read),
            ModuleKind::Jit => None,
        };
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            kind,
            name,
            file: file.map(Arc::new),
            memory: None,
            elf,
            tables: OnceLock::new(),
        }
    }

    /// The module of a mapping whose process is gone.
    pub(super) fn unopened(mapping: &Mapping) -> Self {
        let kind = match mapping.name.as_slice() {
            b"[vdso]" => ModuleKind::Vdso,
            _ if mapping.inode == 0 => ModuleKind::Jit,
            _ => ModuleKind::File,
        };
        let name = match kind {
            ModuleKind::Jit => JIT.into(),
            _ => String::from_utf8_lossy(&mapping.name).into(),
        };
        Self::new(kind, name, None)
    }

    /// The module of the code that the process of a `/proc/PID` directory has compiled.
    pub(super) fn jit(process: &OwnedFd) -> Self {
        let mut module = Self::new(ModuleKind::Jit, JIT.into(), open::perf_map(process));
        module.memory = open::memory(process);
        module
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(&self) -> ModuleKind {
        self.kind
    }

    /// The path of the file as the process sees it, `[vdso]` or `[jit]`. Not escaped.
    #[must_use]
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The file, see [`ModuleKind`]; `None` where it could not be opened.
    #[must_use]
    pub const fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
    }

    /// The build id of its file.
    #[must_use]
    pub fn build_id(&self) -> Option<&[u8]> {
        self.elf.as_ref()?.build_id.as_deref()
    }

    /// Whether the Go linker wrote it. There may be code of other languages in it.
    #[must_use]
    pub fn is_go(&self) -> bool {
        self.elf.as_ref().is_some_and(|elf| elf.is_go)
    }

    /// Whether it was read as an ELF file, so that addresses in it are virtual addresses of that.
    /// Of other files they are offsets.
    #[must_use]
    pub const fn is_elf(&self) -> bool {
        self.elf.is_some()
    }

    /// Number that no other module has.
    pub(super) const fn id(&self) -> u32 {
        self.id
    }

    /// What is added to an address of a process to get one of the module, where `offset` of the file
    /// is mapped at `start`.
    pub(super) fn bias(&self, start: u64, offset: u64) -> u64 {
        if self.kind == ModuleKind::Jit {
            return 0;
        }
        let address = self
            .elf
            .as_ref()
            .and_then(|elf| elf.address_of_offset(offset));
        address.unwrap_or(offset).wrapping_sub(start)
    }

    /// Reads code at an address; `false` where not all of it is in the file.
    pub(super) fn read_code(&self, address: u64, code: &mut [u8]) -> bool {
        self.read_code_up_to(address, code) == code.len()
    }

    /// Reads as much code at an address as there is, and tells how much.
    pub(super) fn read_code_up_to(&self, address: u64, code: &mut [u8]) -> usize {
        let mut read = || {
            if let Some(memory) = &self.memory {
                return memory.read_at(code, address).ok();
            }
            let (offset, left) = self.elf.as_ref()?.offset_of_address(address)?;
            let length = code.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.file
                .as_ref()?
                .read_at(&mut code[..length], offset)
                .ok()
        };
        read().unwrap_or(0)
    }

    /// Whether an address is in the first instructions of a program.
    pub(super) fn is_entry(&self, address: u64) -> bool {
        /// Bytes of `_start` at most (`crt/x86_64/crt_arch.h` of musl 1.2.3: 25).
        const LENGTH: u64 = 48;
        let distance = |elf: &Elf| address.checked_sub(elf.entry);
        self.elf
            .as_ref()
            .and_then(distance)
            .is_some_and(|distance| distance < LENGTH)
    }

    /// Its call frame information. Read when it is first wanted.
    pub(super) fn tables(&self) -> &[Table] {
        self.tables.get_or_init(|| self.read_tables())
    }

    fn read_tables(&self) -> Vec<Table> {
        let (Some(elf), Some(file)) = (&self.elf, &self.file) else {
            return Vec::new();
        };
        let start = |section: Option<Section>| section.map_or(0, |section| section.address);
        let bases = BaseAddresses::default()
            .set_eh_frame(start(elf.eh_frame))
            .set_text(start(elf.text))
            .set_got(start(elf.got));
        [
            (Form::EhFrame, elf.eh_frame),
            (Form::DebugFrame, elf.debug_frame),
        ]
        .into_iter()
        .filter_map(|(form, section)| {
            let section = section.filter(|section| section.size <= TABLE_LIMIT)?;
            read_table(file, form, section, bases.clone())
        })
        .collect()
    }
}

/// The table of a section, if there is room for it.
fn read_table(file: &File, form: Form, section: Section, bases: BaseAddresses) -> Option<Table> {
    let room = |held: u64| {
        let held = held.checked_add(section.size)?;
        (held <= TABLES_LIMIT).then_some(held)
    };
    let read = || {
        let mut data = vec![0; usize::try_from(section.size).ok()?];
        file.read_exact_at(&mut data, section.offset).ok()?;
        Some(Table::new(form, data, bases))
    };
    TABLES
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
        .ok()?;
    let table = read();
    if table.is_none() {
        TABLES.fetch_sub(section.size, Ordering::Relaxed);
    }
    table
}

impl Drop for Module {
    fn drop(&mut self) {
        let tables = self.tables.take().unwrap_or_default();
        let held = tables.iter().map(Table::size).sum();
        TABLES.fetch_sub(held, Ordering::Relaxed);
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The tables of a module are some megabytes.
        formatter
            .debug_tuple("Module")
            .field(&self.id)
            .field(&self.name)
            .finish()
    }
}

impl PartialEq for Module {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Module {}

impl PartialOrd for Module {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Module {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

impl Hash for Module {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}
