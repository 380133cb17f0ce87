//! Through pipes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, tee};

use super::mover::{Mover, Way, some};
use super::{Calls, PIPE};
use crate::model::Call;

/// A pipe with both of its ends.
pub(super) struct Pipe {
    pub(super) out: OwnedFd,
    pub(super) into: OwnedFd,
    /// What it holds.
    pub(super) size: usize,
}

/// `splice` into a pipe, and from there on.
pub(super) struct Spliced {
    pipe: Pipe,
    tells_more: bool,
}

/// `splice` into a pipe, `tee` into another one, and from both on, each to its reader.
pub(super) struct Teed {
    pipe: Pipe,
    copy: Pipe,
    second: OwnedFd,
}

impl Pipe {
    pub(super) fn new(size: usize) -> io::Result<Self> {
        let (out, into) = pipe_with(PipeFlags::CLOEXEC)?;
        if size != PIPE {
            fcntl_setpipe_size(&into, size)?;
        }
        Ok(Self { out, into, size })
    }

    /// Moves on what is in it.
    pub(super) fn empty(
        &self,
        to: BorrowedFd<'_>,
        mut staged: usize,
        flags: SpliceFlags,
        calls: &mut Calls,
    ) -> io::Result<()> {
        while staged > 0 {
            let moved = splice(&self.out, None, to, None, staged, flags)?;
            calls.count(Call::Splice, moved);
            staged -= some(moved)?;
        }
        Ok(())
    }

    fn fill(&self, from: &OwnedFd, most: usize, calls: &mut Calls) -> io::Result<usize> {
        let most = most.min(self.size);
        let staged = splice(from, None, &self.into, None, most, SpliceFlags::MOVE)?;
        calls.count(Call::Splice, staged);
        some(staged)
    }
}

impl Spliced {
    pub(super) fn new(pipe: usize, tells_more: bool) -> io::Result<Self> {
        Ok(Self {
            pipe: Pipe::new(pipe)?,
            tells_more,
        })
    }
}

impl Mover for Spliced {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut left = way.size;
        while left > 0 {
            let staged = self.pipe.fill(&way.from, left, calls)?;
            left -= staged;
            let flags = if self.tells_more && left > 0 {
                SpliceFlags::MOVE | SpliceFlags::MORE
            } else {
                SpliceFlags::MOVE
            };
            self.pipe.empty(way.to.as_fd(), staged, flags, calls)?;
        }
        Ok(())
    }
}

impl Teed {
    pub(super) fn new(second: Option<OwnedFd>) -> io::Result<Self> {
        Ok(Self {
            pipe: Pipe::new(PIPE)?,
            copy: Pipe::new(PIPE)?,
            second: second.ok_or_else(|| io::Error::other("a second reader is missing"))?,
        })
    }
}

impl Mover for Teed {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut left = way.size;
        while left > 0 {
            let mut staged = self.pipe.fill(&way.from, left, calls)?;
            left -= staged;
            while staged > 0 {
                let copied = tee(
                    &self.pipe.out,
                    &self.copy.into,
                    staged,
                    SpliceFlags::empty(),
                )?;
                calls.count(Call::Tee, copied);
                let (to, second) = (way.to.as_fd(), self.second.as_fd());
                self.copy
                    .empty(second, some(copied)?, SpliceFlags::MOVE, calls)?;
                self.pipe.empty(to, copied, SpliceFlags::MOVE, calls)?;
                staged -= copied;
            }
        }
        Ok(())
    }
}
