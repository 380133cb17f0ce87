//! Files that calls move bytes between inside the kernel, and what becomes of the bytes by rule.

use std::io;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use copytax::host::kernel::Version;

use crate::endpoints::{CONTENT, FILE_LENGTH, fill, open};

/// File systems of a page cache whose `copy_file_range` is that of the kernel, by `f_type`: ext4
/// and its ancestors, tmpfs.
const COPYING: [i64; 2] = [0xef53, TMPFS];
const TMPFS: i64 = 0x0102_1994;
/// The same, that can share extents, or let another file system do it: xfs, btrfs, overlayfs.
const CLONING: [i64; 3] = [0x5846_5342, 0x9123_683e, 0x794c_7630];

/// Files beside the truth: the file system of the folder for temporary files.
pub(crate) struct OnDisk {
    source: PathBuf,
    sink: PathBuf,
}

impl OnDisk {
    /// Makes them.
    pub(crate) fn new(beside: &Path) -> io::Result<Self> {
        let files = Self {
            source: beside.with_file_name("source"),
            sink: beside.with_file_name("sink"),
        };
        let source = std::fs::File::create_new(&files.source)?;
        drop(source);
        std::fs::File::create_new(&files.sink)?;
        let source = open(path(&files.source), libc::O_RDWR)?;
        fill(source, CONTENT, FILE_LENGTH)?;
        // Reads past the page cache find what is on the disk.
        // SAFETY: a call on a descriptor that is open.
        unsafe {
            libc::fsync(source);
            libc::close(source);
        }
        Ok(files)
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a folder for temporary files")
}

/// A file to move bytes from.
#[derive(Clone, Copy)]
pub(crate) struct From {
    pub(crate) fd: RawFd,
    /// What it gives away.
    pub(crate) sharing: &'static str,
}

/// A file to move bytes to.
#[derive(Clone, Copy)]
pub(crate) struct To {
    pub(crate) fd: RawFd,
    /// What it does with bytes.
    pub(crate) sharing: &'static str,
}

/// Two files of one file system.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) source: RawFd,
    pub(crate) sink: RawFd,
    /// What becomes of bytes that `copy_file_range` moves from one to the other.
    pub(crate) sharing: &'static str,
}

/// All of them.
pub(crate) struct Files {
    pub(crate) from: Vec<From>,
    pub(crate) to: Vec<To>,
    pub(crate) pairs: Vec<Pair>,
}

impl Files {
    /// The memory files `source` and `sink`, those on disk, and all with `O_DIRECT` where their
    /// file systems have it. Nothing here is a call that is accounted.
    pub(crate) fn new(source: RawFd, sink: RawFd, on_disk: &OnDisk) -> io::Result<Self> {
        let (disk_source, disk_sink) = (path(&on_disk.source), path(&on_disk.sink));
        let mut files = Self {
            from: Vec::new(),
            to: Vec::new(),
            pairs: Vec::new(),
        };
        files.add(
            &format!("/proc/self/fd/{source}"),
            &format!("/proc/self/fd/{sink}"),
        )?;
        files.add(disk_source, disk_sink)?;
        Ok(files)
    }

    fn add(&mut self, source: &str, sink: &str) -> io::Result<()> {
        let (from, to) = (open(source, libc::O_RDONLY)?, open(sink, libc::O_WRONLY)?);
        let kind = file_system(from);
        let sharing = match kind {
            kind if COPYING.contains(&kind) => "page_cache_write",
            kind if CLONING.contains(&kind) => "maybe_reflink",
            // The test would have to guess.
            kind => return Err(io::Error::other(format!("file system {kind:#x}"))),
        };
        self.pairs.push(Pair {
            source: from,
            sink: to,
            sharing,
        });
        self.from.push(From {
            fd: from,
            sharing: "pages",
        });
        self.to.push(To {
            fd: to,
            sharing: "page_cache_write",
        });
        if let Ok(fd) = open(source, libc::O_RDONLY | libc::O_DIRECT) {
            self.from.push(From {
                fd,
                sharing: "direct_io",
            });
        }
        // tmpfs takes any length; the device of another one might not.
        if kind == TMPFS
            && let Ok(fd) = open(sink, libc::O_WRONLY | libc::O_DIRECT)
        {
            self.to.push(To {
                fd,
                sharing: "unknown_sink",
            });
        }
        Ok(())
    }
}

fn file_system(file: RawFd) -> i64 {
    // SAFETY: a call on a descriptor and memory that live as long as it runs.
    unsafe {
        let mut facts: libc::statfs = std::mem::zeroed();
        assert_eq!(libc::fstatfs(file, &raw mut facts), 0);
        facts.f_type
    }
}

/// What a character device of random bytes gives away. Before 6.5 it has a `splice_read` that says
/// nothing of it.
pub(crate) fn of_random() -> &'static str {
    // A system call that is not accounted.
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    if Version::of_release(&release) >= Some(Version::new(6, 5)) {
        "copy_splice_read"
    } else {
        "unknown_source"
    }
}

/// What becomes of bytes on a way of two halves: a copy counts, else a doubt.
pub(crate) fn combined(given: &'static str, taken: &'static str) -> &'static str {
    let is_copied = |half| matches!(half, "direct_io" | "copy_splice_read" | "page_cache_write");
    let is_unknown = |half| half != "" && half != "pages" && !is_copied(half);
    match (given, taken) {
        (_, taken) if is_copied(taken) => taken,
        (given, _) if is_copied(given) => given,
        (_, taken) if is_unknown(taken) => taken,
        (given, _) => given,
    }
}
