//! By a buffer, or by one call for all of it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{copy_file_range, ioctl_ficlone, sendfile};
use rustix::io::{Errno, read, write};
use rustix::net::{SendFlags, send};

use super::Calls;
use super::mover::{Mover, Way, some, unavailable};
use crate::model::Call;

/// More than this no call moves at once (`MAX_RW_COUNT`, `include/linux/fs.h`).
const LARGEST: usize = 1 << 30;

/// `read` into a buffer, and `write`, or `send` with `MSG_MORE` as long as more comes.
pub(super) struct Buffered {
    buffer: Vec<u8>,
    tells_more: bool,
}

/// One system call, or a few of those for very much.
pub(super) enum OneCall {
    Sendfile,
    CopyFileRange,
}

/// The blocks of a file become those of another one, too; no byte is moved.
pub(super) struct Reflinked;

impl Buffered {
    pub(super) fn new(size: usize, tells_more: bool) -> Self {
        Self {
            buffer: vec![0; size],
            tells_more,
        }
    }
}

impl Mover for Buffered {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut left = way.size;
        while left > 0 {
            let most = left.min(self.buffer.len());
            let filled = some(read(&way.from, &mut self.buffer[..most])?)?;
            calls.count(Call::Read, filled);
            left -= filled;
            let bytes = &self.buffer[..filled];
            if self.tells_more {
                send_all(way.to.as_fd(), bytes, left > 0, calls)?;
            } else {
                write_all(way.to.as_fd(), bytes, calls)?;
            }
        }
        Ok(())
    }
}

impl Mover for OneCall {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut left = way.size;
        while left > 0 {
            let most = left.min(LARGEST);
            let (call, moved) = match self {
                Self::CopyFileRange => {
                    let moved = copy_file_range(&way.from, None, &way.to, None, most)?;
                    (Call::CopyFileRange, moved)
                }
                Self::Sendfile => (Call::Sendfile, sendfile(&way.to, &way.from, None, most)?),
            };
            calls.count(call, moved);
            left -= some(moved)?;
        }
        Ok(())
    }
}

impl Mover for Reflinked {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        // It moves no byte, so that the audit does not count it.
        calls.count_others(1);
        ioctl_ficlone(&way.to, &way.from).map_err(|error| match error {
            // ioctl_ficlonerange(2)
            Errno::OPNOTSUPP | Errno::INVAL | Errno::NOTTY | Errno::NOSYS => {
                unavailable("the file system for temporary files (TMPDIR) shares no blocks")
            }
            error => error.into(),
        })
    }
}

/// By `write`, as the paths promise: the standard library sends to a socket with `sendto`.
pub(super) fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8], calls: &mut Calls) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = write(to, bytes)?;
        calls.count(Call::Write, written);
        bytes = &bytes[some(written)?..];
    }
    Ok(())
}

fn send_all(to: BorrowedFd<'_>, mut bytes: &[u8], more: bool, calls: &mut Calls) -> io::Result<()> {
    let flags = if more {
        SendFlags::MORE
    } else {
        SendFlags::empty()
    };
    while !bytes.is_empty() {
        let sent = send(to, bytes, flags)?;
        calls.count(Call::Sendto, sent);
        bytes = &bytes[some(sent)?..];
    }
    Ok(())
}
