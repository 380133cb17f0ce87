//! A process whose code is named: its files, as it sees them.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};

use super::perf_map::PerfMap;

/// What is needed of a process to name its code, also after its end.
#[derive(Debug)]
pub struct ProcessFiles {
    root: OwnedFd,
    /// Process id in its own, innermost pid namespace.
    own_pid: u32,
    /// Effective user id.
    user: u32,
    perf_map: OnceLock<Option<PerfMap>>,
}

impl ProcessFiles {
    /// Looks at a process.
    ///
    /// # Errors
    ///
    /// Fails if it has ended, or if this process may not look at it.
    pub fn of(pid: u32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(format!("/proc/{pid}/root"), flags, Mode::empty())?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let number = |field: &str, nth: fn(&str) -> Option<&str>| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            line.and_then(nth).and_then(|text| text.parse().ok())
        };
        let no_number = || io::Error::other("its status does not say who it is");
        Ok(Self {
            root,
            // From the outermost to the innermost namespace.
            own_pid: number("NSpid:", |ids| ids.split_whitespace().last()).ok_or_else(no_number)?,
            // Real, effective, saved, of the file system.
            user: number("Uid:", |ids| ids.split_whitespace().nth(1)).ok_or_else(no_number)?,
            perf_map: OnceLock::new(),
        })
    }

    /// What it compiled at run time, read when it is asked for first.
    pub(super) fn perf_map(&self) -> Option<&PerfMap> {
        self.perf_map
            .get_or_init(|| PerfMap::read(self, self.own_pid, self.user))
            .as_ref()
    }

    /// Opens a regular file by its path in the process' root.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        open_below(&self.root, path)
    }
}

/// Opens a regular file below a directory as if that were the root, so that no link in it leads out.
pub(super) fn open_below(root: &OwnedFd, path: &Path) -> io::Result<File> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let place = rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)?;
    // Whoever owns the directory chooses what is there: to open a pipe could take for ever, and to
    // open a device have an effect.
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&place)?.st_mode);
    if !kind.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    File::open(path_of(&place))
}

/// A path that leads to an open file, whatever name it has, or even none.
pub(super) fn path_of(file: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
