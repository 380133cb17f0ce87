//! Opening what a process has mapped, and nothing else: names and links of a watched process may
//! lead anywhere.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, fstat, major, memfd_create, minor, openat,
    openat2, readlinkat, statat,
};

use crate::stack::maps::Mapping;

/// Bytes of the vdso that are read at most; it has two or three pages.
const VDSO_LIMIT: u64 = 64 << 10;
/// Bytes of `/proc/PID/status` that are read at most.
const STATUS_LIMIT: usize = 16 << 10;

/// Opens the file of a mapping.
///
/// By the mapping itself, which finds files that have lost their names or are in another mount
/// namespace, but needs `CAP_SYS_ADMIN` or `CAP_CHECKPOINT_RESTORE` (`proc_map_files_get_link`,
/// `fs/proc/base.c`, Linux 6.12). Else by its path, as the process sees it, or as the program that
/// the process runs, if either is the same file still.
pub(super) fn mapped(process: &OwnedFd, mapping: &Mapping) -> Option<File> {
    let link = format!("map_files/{:x}-{:x}", mapping.start, mapping.end);
    regular(process, Path::new(&link))
        .or_else(|| {
            let path = name_in_root(process, mapping);
            let file = in_root(process, &path)?;
            is_mapped(&file, mapping).then_some(file)
        })
        .or_else(|| {
            let file = regular(process, Path::new("exe"))?;
            is_mapped(&file, mapping).then_some(file)
        })
}

/// The path of a mapped file as its process sees it. The kernel tells it from the root of the
/// reader's mounts.
pub(super) fn name_in_root(process: &OwnedFd, mapping: &Mapping) -> Vec<u8> {
    let root = readlinkat(process, "root", Vec::new()).unwrap_or_default();
    match mapping.name.strip_prefix(root.as_bytes()) {
        Some(rest) if rest.starts_with(b"/") => rest.to_vec(),
        _ => mapping.name.clone(),
    }
}

/// A copy of the vdso that a process has.
pub(super) fn vdso(process: &OwnedFd, mapping: &Mapping) -> Option<(File, Vec<u8>)> {
    let length = (mapping.end - mapping.start).min(VDSO_LIMIT);
    let mut image = vec![0; usize::try_from(length).ok()?];
    memory(process)?
        .read_exact_at(&mut image, mapping.start)
        .ok()?;
    let copy = File::from(memfd_create("vdso", rustix::fs::MemfdFlags::CLOEXEC).ok()?);
    copy.write_all_at(&image, 0).ok()?;
    Some((copy, image))
}

/// The memory of a process: of the program that it runs now, also when it runs another one later.
pub(super) fn memory(process: &OwnedFd) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat(process, "mem", flags, Mode::empty())
        .ok()
        .map(File::from)
}

/// The perf map of a process: names of code that was compiled at run time
/// (`tools/perf/Documentation/jit-interface.txt`, Linux 6.12). Its name has the pid that the
/// process itself sees.
pub(super) fn perf_map(process: &OwnedFd) -> Option<File> {
    let pid = innermost_pid(process)?;
    let file = in_root(process, format!("/tmp/perf-{pid}.map").as_bytes())?;
    // Anybody may write to /tmp.
    let owner = file.metadata().ok()?.uid();
    let process_owner = fstat(process).ok()?.st_uid;
    (owner == process_owner || owner == 0).then_some(file)
}

/// The process' own pid, in the innermost pid namespace.
fn innermost_pid(process: &OwnedFd) -> Option<u32> {
    let status = openat(
        process,
        "status",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .ok()?;
    let mut text = vec![0; STATUS_LIMIT];
    let length = File::from(status).read_at(&mut text, 0).ok()?;
    let text = String::from_utf8_lossy(&text[..length]);
    let pids = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    pids.split_ascii_whitespace().last()?.parse().ok()
}

/// Opens a file by its path from the root of a process; no link leads out of that.
fn in_root(process: &OwnedFd, path: &[u8]) -> Option<File> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(process, "root", flags | OFlags::DIRECTORY, Mode::empty()).ok()?;
    let path = std::ffi::OsStr::from_bytes(path);
    let found = openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT).ok()?;
    let link = format!("/proc/self/fd/{}", found.as_raw_fd());
    regular(&found, Path::new(&link))
}

/// Opens a regular file. Others are not even tried: opening a device may do something.
fn regular(directory: &OwnedFd, path: &Path) -> Option<File> {
    let is_regular = |mode| FileType::from_raw_mode(mode) == FileType::RegularFile;
    let stat = statat(directory, path, AtFlags::empty()).ok()?;
    if !is_regular(stat.st_mode) {
        return None;
    }
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = openat(directory, path, flags, Mode::empty()).ok()?;
    is_regular(fstat(&file).ok()?.st_mode).then(|| File::from(file))
}

/// Whether a file is the mapped one.
fn is_mapped(file: &File, mapping: &Mapping) -> bool {
    file.metadata().is_ok_and(|file| {
        file.ino() == mapping.inode && (major(file.dev()), minor(file.dev())) == mapping.device
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::CWD;

    use super::*;
    use crate::stack::maps;

    fn this_process() -> OwnedFd {
        openat(CWD, "/proc/self", OFlags::PATH, Mode::empty()).expect("this process lives")
    }

    fn own_mapping() -> Mapping {
        let list = File::open("/proc/self/maps").expect("a list");
        let here = own_mapping as *const () as u64;
        let mut mappings = maps::read(list).expect("it can be read").into_iter();
        let mapping = mappings.find(|mapping| (mapping.start..mapping.end).contains(&here));
        mapping.expect("this code is mapped")
    }

    #[test]
    fn by_path() {
        let mapping = own_mapping();
        let path = name_in_root(&this_process(), &mapping);
        let exe = std::env::current_exe().expect("a path");
        assert_eq!(path, exe.as_os_str().as_bytes());
        let file = in_root(&this_process(), &path).expect("it is there");
        let facts = file.metadata().expect("it is open");
        assert_eq!(facts.ino(), fs::metadata(exe).expect("it is there").ino());
        let other = File::open("/proc/self/status").expect("a file");
        assert!(!is_mapped(&other, &mapping));
    }

    #[test]
    fn nothing_but_regular_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, mode, 0).expect("a pipe");
        for path in [
            path.as_os_str().as_bytes(),
            b"/dev/null",
            b"/",
            b"/none",
            b"",
        ] {
            assert!(in_root(&this_process(), path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn perf_map_of_this_process() {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        assert_eq!(innermost_pid(&this_process()), Some(std::process::id()));
        assert!(perf_map(&this_process()).is_none());
        fs::write(&path, "0 1 a\n").expect("/tmp can be written to");
        let found = perf_map(&this_process());
        fs::remove_file(&path).expect("it is there");
        assert!(found.is_some());
    }

    #[test]
    fn vdso_of_this_process() {
        let list = File::open("/proc/self/maps").expect("a list");
        let mappings = maps::read(list).expect("it can be read");
        let mapping = mappings.iter().find(|mapping| mapping.name == b"[vdso]");
        let (_, image) = vdso(&this_process(), mapping.expect("a vdso")).expect("a copy");
        assert!(image.starts_with(b"\x7fELF"));
    }
}
