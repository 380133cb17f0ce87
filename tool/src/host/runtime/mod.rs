//! What a process runs on, told from its program and its libraries. Facts only.
//!
//! A program's own file counts first, as it cannot be another's: the build information of Go, what
//! a server exports or says of itself, a language runtime that is linked in. Then the library of a language
//! runtime that is mapped; then what compilers noted. A name alone never tells it, but that of a
//! mapped library tells which symbols to look for.

mod elf;
mod go;
mod languages;
mod libraries;
mod native;
mod scan;
mod servers;
mod version;

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, OFlags, openat};

use crate::model::{Runtime, RuntimeEvidence, RuntimeName};
use elf::Elf;
use libraries::Library;

/// Programs that are remembered. A machine runs some hundred.
const PROGRAMS: usize = 4096;

/// Recognises runtimes, each program once.
#[derive(Debug, Default)]
pub struct Runtimes {
    known: HashMap<Program, Known>,
}

/// A file as it was at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Program {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

#[derive(Debug, Clone)]
struct Known {
    runtime: Option<Runtime>,
    /// Whether a look at a living process would not tell more.
    whole: bool,
}

/// A runtime that was recognised.
#[derive(Debug)]
struct Found {
    name: RuntimeName,
    version: Option<String>,
    evidence: RuntimeEvidence,
}

impl Found {
    fn new(name: RuntimeName, version: Option<String>, evidence: RuntimeEvidence) -> Self {
        Self {
            name,
            version,
            evidence,
        }
    }
}

impl Runtimes {
    /// The runtime of a living process; `None` where it is not known.
    ///
    /// Processes of one program count as having the same one, so that it is looked at once.
    pub fn of_process(&mut self, pid: u32) -> Option<Runtime> {
        let exe = format!("/proc/{pid}/exe");
        let program = Program::of(&std::fs::metadata(&exe).ok()?);
        if let Some(known) = self.known.get(&program)
            && known.whole
        {
            return known.runtime.clone();
        }
        // The program that was exec'ed since then may be another.
        let file = File::open(&exe).ok()?;
        let program = Program::of(&file.metadata().ok()?);
        let known = look(file, Some(pid));
        self.remember(program, known)
    }

    /// The runtime of a process that is gone: of the program that is at `path`, if it has been there
    /// unchanged since `since`. `None` where it has not, or its runtime is not known.
    pub fn of_program(&mut self, path: &Path, since: SystemTime) -> Option<Runtime> {
        if !path.is_absolute() || changed(&path.symlink_metadata().ok()?)? > since {
            return None;
        }
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let place = openat(CWD, path, flags, Mode::empty()).ok()?;
        // What opening does to anything but a file is not known.
        let status = rustix::fs::fstat(&place).ok()?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return None;
        }
        let file = File::open(format!("/proc/self/fd/{}", place.as_raw_fd())).ok()?;
        let metadata = file.metadata().ok()?;
        if changed(&metadata)? > since {
            return None;
        }
        let program = Program::of(&metadata);
        if let Some(known) = self.known.get(&program) {
            return known.runtime.clone();
        }
        let known = look(file, None);
        self.remember(program, known)
    }

    fn remember(&mut self, program: Program, known: Known) -> Option<Runtime> {
        let runtime = known.runtime.clone();
        if self.known.len() < PROGRAMS || self.known.contains_key(&program) {
            self.known.insert(program, known);
        }
        runtime
    }
}

/// When a file or its place was last changed.
fn changed(metadata: &Metadata) -> Option<SystemTime> {
    let seconds = metadata.ctime().try_into().ok()?;
    let since_epoch = Duration::new(seconds, metadata.ctime_nsec().try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

impl Program {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Looks at a program, and at the libraries of a process that runs it.
fn look(file: File, pid: Option<u32>) -> Known {
    let Some(elf) = Elf::read(file) else {
        return Known {
            runtime: None,
            whole: true,
        };
    };
    let (found, whole) = match in_program(&elf) {
        Some(found) => (Some(found), true),
        None => in_libraries(&elf, pid),
    };
    Known {
        runtime: found.map(|found| Runtime {
            libc: native::libc(&elf),
            name: found.name,
            version: found.version,
            evidence: found.evidence,
        }),
        whole,
    }
}

/// What the program itself is, whatever it loads.
fn in_program(elf: &Elf) -> Option<Found> {
    if let Some(go::Go(version)) = go::build_info(elf) {
        let evidence = RuntimeEvidence::BuildInfo;
        return Some(Found::new(RuntimeName::Go, version, evidence));
    }
    if let Some(name) = languages::linked_in(elf) {
        let version = languages::version_of(name, elf, b"");
        return Some(Found::new(name, version, RuntimeEvidence::Symbol));
    }
    servers::server(elf)
}

/// What it is by its libraries, else by its compiler; and whether that is all that can be known.
fn in_libraries(elf: &Elf, pid: Option<u32>) -> (Option<Found>, bool) {
    if let Some(pid) = pid
        && let Some(library) = Library::of(pid)
    {
        let version = library.open(pid).and_then(Elf::read);
        let version =
            version.and_then(|file| languages::version_of(library.name, &file, &library.path));
        let evidence = RuntimeEvidence::MappedLibrary;
        return (Some(Found::new(library.name, version, evidence)), true);
    }
    let needed = elf
        .needed()
        .filter_map(|name| languages::by_file_name(&name));
    if let Some((_, name)) = needed.min_by_key(|(rank, _)| *rank) {
        let evidence = RuntimeEvidence::NeededLibrary;
        return (Some(Found::new(name, None, evidence)), false);
    }
    (native::language(elf), pid.is_some())
}

#[cfg(test)]
mod tests;
