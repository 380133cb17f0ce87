//! `sendfile` to TCP from files of many file systems, and whether the kernel shares their pages with
//! the socket or copies them after all.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use anyhow::{Context, Result, ensure};
use copytax::lab::write_pattern;
use rustix::fs::Advice;

use crate::python::SCRIPTS;
use crate::sink::{accept, listen};
use crate::support::audit::Audit;
use crate::support::children::Program;
use crate::support::mounted::Mounted;
use crate::support::{http, prerequisites};
use crate::ways::{self, expected};

/// Odd, so that the last page is short.
const SIZE: u64 = 20_000_003;

/// How the file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Cached,
    Direct,
}

/// Whether the socket holds the pages of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Shared,
    Copied,
}

impl Sharing {
    fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Copied => "copied",
        }
    }
}

#[test]
fn ext4_is_shared() -> Result<()> {
    sent(|| Mounted::image("ext4"), Mode::Cached, Sharing::Shared)
}

#[test]
fn xfs_is_shared() -> Result<()> {
    sent(|| Mounted::image("xfs"), Mode::Cached, Sharing::Shared)
}

#[test]
fn btrfs_is_shared() -> Result<()> {
    sent(|| Mounted::image("btrfs"), Mode::Cached, Sharing::Shared)
}

#[test]
fn tmpfs_is_shared() -> Result<()> {
    sent(Mounted::tmpfs, Mode::Cached, Sharing::Shared)
}

#[test]
fn overlay_is_shared() -> Result<()> {
    sent(Mounted::overlay, Mode::Cached, Sharing::Shared)
}

#[test]
fn direct_ext4_is_copied() -> Result<()> {
    sent(|| Mounted::image("ext4"), Mode::Direct, Sharing::Copied)
}

#[test]
fn fuse_is_shared() -> Result<()> {
    sent(|| Mounted::fuse(""), Mode::Cached, Sharing::Shared)
}

/// With `direct_io`, reads and writes go past the page cache. `splice_read` does so or not depending
/// on the release (`fuse_splice_read` in fs/fuse/file.c; up to 6.18 it does not), and nothing that can
/// be read from the file tells: the audit says `unknown`. Before Linux 6.5 it is `read_iter` that
/// copies. What this kernel does is seen from the pages that it leaves.
#[test]
fn direct_io_of_fuse_is_not_said_to_be_shared() -> Result<()> {
    let Some((path, _mounted)) = file_on(|| Mounted::fuse("-o direct_io"))? else {
        return Ok(());
    };
    let file = File::open(&path)?;
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
    assert_eq!(cached_pages(&file)?, 0);
    let sharing = served(&path, Mode::Cached)?;
    let cached = cached_pages(&file)?;
    if cached == 0 {
        assert_ne!(sharing, "shared");
    } else {
        assert_eq!(cached, SIZE.div_ceil(4096));
        assert_eq!(sharing, "unknown");
    }
    Ok(())
}

fn sent(mount: impl FnOnce() -> Result<Mounted>, mode: Mode, sharing: Sharing) -> Result<()> {
    let Some((path, _mounted)) = file_on(mount)? else {
        return Ok(());
    };
    assert_eq!(served(&path, mode)?, sharing.name());
    assert_eq!(seen(&path, mode)?, sharing);
    Ok(())
}

/// A file on a file system that is mounted for it.
fn file_on(mount: impl FnOnce() -> Result<Mounted>) -> Result<Option<(PathBuf, Mounted)>> {
    let there = prerequisites::root()
        .and_then(|()| prerequisites::python())
        .and_then(|_| mount());
    let Some(mounted) = prerequisites::or_skip(there)? else {
        return Ok(None);
    };
    let path = mounted.path().join("file");
    let mut file = File::create(&path)?;
    write_pattern(&mut file, SIZE, 23)?;
    file.sync_all()?;
    Ok(Some((path, mounted)))
}

/// Serves the file once, compares what the audit says of it, and gives back whether it says that
/// pages were shared.
fn served(path: &Path, mode: Mode) -> Result<String> {
    let mut command = Command::new(prerequisites::python()?);
    command.arg(format!("{SCRIPTS}/sendfile_from.py")).arg(path);
    command.arg(match mode {
        Mode::Cached => "cached",
        Mode::Direct => "direct",
    });
    let (server, port) = Program::start_server(&mut command)?;
    let pid = server.pid();
    let audit = Audit::of_process(pid)?;
    ensure!(http::drain(port)? == SIZE, "the file is not complete");
    ensure!(server.wait()?.success(), "the server failed");
    let report = audit.interrupt()?;
    report.nothing_lost()?;
    if matches!(mode, Mode::Direct) {
        report.says(pid, "K1")?;
    }
    let sent = expected([("zero_copy sendfile file -> tcp", SIZE)]);
    let server = report.take(pid)?;
    assert_eq!(ways::of(&server), sent);
    let flow = server.flows.into_iter().find(|flow| flow.bytes > 0);
    flow.and_then(|flow| flow.sharing)
        .context("nothing is said of the sharing")
}

/// How many pages of a file are in the page cache, of those that a private mapping shows.
fn cached_pages(file: &File) -> Result<u64> {
    let length = usize::try_from(SIZE)?;
    let mut pages = vec![0_u8; length.div_ceil(4096)];
    // SAFETY: a new mapping that nothing refers to, unmapped once; `pages` has a byte for each page.
    let status = unsafe {
        let (none, private) = (libc::PROT_NONE, libc::MAP_PRIVATE);
        let at = libc::mmap(ptr::null_mut(), length, none, private, file.as_raw_fd(), 0);
        ensure!(at != libc::MAP_FAILED, "{}", io::Error::last_os_error());
        let status = libc::mincore(at, length, pages.as_mut_ptr());
        libc::munmap(at, length);
        status
    };
    ensure!(status == 0, "mincore failed");
    Ok(pages.iter().filter(|&page| page & 1 == 1).count() as u64)
}

/// What the socket holds, by experiment: a change of the file after `sendfile` reaches a reader only
/// where its pages are shared.
fn seen(path: &Path, mode: Mode) -> Result<Sharing> {
    const LENGTH: usize = 4096;
    let mut options = OpenOptions::new();
    if mode == Mode::Direct {
        options.custom_flags(libc::O_DIRECT);
    }
    let file = options.read(true).open(path)?;
    // Opened before, since opening a file of FUSE again drops its pages.
    let changing = File::options().read(true).write(true).open(path)?;
    let (listener, port) = listen()?;
    let reader = http::connect(port)?;
    let writer = accept(&listener)?;
    let moved = rustix::fs::sendfile(&writer, &file, Some(&mut 0), LENGTH)?;
    ensure!(moved == LENGTH, "sendfile moved {moved} bytes");
    let mut before = [0; LENGTH];
    changing.read_exact_at(&mut before, 0)?;
    let changed = before.map(|byte| !byte);
    changing.write_all_at(&changed, 0)?;
    let mut came = [0; LENGTH];
    (&reader).read_exact(&mut came)?;
    match came {
        _ if came == before => Ok(Sharing::Copied),
        _ if came == changed => Ok(Sharing::Shared),
        _ => anyhow::bail!("what came is neither the file before nor after"),
    }
}
