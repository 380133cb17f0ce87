//! Moves bytes by one path, and counts its calls.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::fs::{SeekFrom, seek};

use super::files::{Buffered, OneCall, Reflinked};
use super::lend::Lender;
use super::memory::{Mapped, Memory, Vmspliced};
use super::mover::{Mover, Way};
use super::pipes::{Spliced, Teed};
use super::ring::{RingLender, RingReadSend, RingSplice};
use super::tls::{KernelTls, UserTls};
use super::{Calls, Job, Method, Path};
use crate::lab::mapping::Mapping;

/// One path between two ends.
pub(in crate::lab) struct Courier {
    path: Path,
    way: Way,
    calls: Calls,
    mover: Box<dyn Mover>,
}

impl Courier {
    /// Prepares to move `size` bytes at a time. Where the path sends memory, `from` is a sealed
    /// memory file of that size. `second` is the end that only a path with two readers has.
    ///
    /// # Errors
    ///
    /// `Unsupported` with the reason where this machine does not have the path; else a refused call.
    pub(in crate::lab) fn new(
        path: Path,
        (from, to): (OwnedFd, OwnedFd),
        second: Option<OwnedFd>,
        size: usize,
    ) -> io::Result<Self> {
        let file = || from.try_clone().map(File::from);
        let mapping = || Mapping::of(&file()?);
        let mover: Box<dyn Mover> = match path.method {
            Method::ReadWrite { buffer } => Box::new(Buffered::new(buffer, false)),
            Method::ReadSendMore { buffer } => Box::new(Buffered::new(buffer, true)),
            Method::Sendfile => Box::new(OneCall::Sendfile),
            Method::CopyFileRange => Box::new(OneCall::CopyFileRange),
            Method::Reflink => Box::new(Reflinked),
            Method::Splice { pipe, more } => Box::new(Spliced::new(pipe, more)?),
            Method::Tee => Box::new(Teed::new(second)?),
            Method::MmapWrite => Box::new(Mapped::new(file()?)),
            Method::Write => Box::new(Memory::new(mapping()?)),
            Method::Vmsplice { gift } => Box::new(Vmspliced::new(mapping()?, gift)?),
            Method::ZeroCopySend => Box::new(Lender::new(mapping()?, to.as_fd())?),
            Method::UringReadSend => Box::new(RingReadSend::new()?),
            Method::UringSplice => Box::new(RingSplice::new()?),
            Method::UringSendZc { fixed } => Box::new(RingLender::new(mapping()?, fixed)?),
            Method::UserTls => Box::new(UserTls::new()?),
            Method::KernelTls => Box::new(KernelTls::new(to.as_fd())?),
        };
        Ok(Self {
            path,
            way: Way { from, to, size },
            calls: Calls::default(),
            mover,
        })
    }

    /// Moves the bytes of one transfer.
    ///
    /// # Errors
    ///
    /// A refused call, or an end that came too early.
    pub(in crate::lab) fn transfer(&mut self) -> io::Result<()> {
        self.rewind()?;
        self.mover.transfer(&self.way, &mut self.calls)
    }

    /// Waits until nothing that was sent is needed any more.
    ///
    /// # Errors
    ///
    /// A refused call.
    pub(in crate::lab) fn finish(&mut self) -> io::Result<()> {
        self.mover.finish(&self.way, &mut self.calls)
    }

    /// What was called so far.
    pub(in crate::lab) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Files are moved from their beginning, each time. What needs no position is not timed with one.
    fn rewind(&mut self) -> io::Result<()> {
        let ends: &[&OwnedFd] = match self.path.job {
            Job::Send if self.path.method.needs_position() => &[&self.way.from],
            Job::Copy if self.path.method.needs_position() => &[&self.way.from, &self.way.to],
            Job::Send | Job::Copy | Job::Relay => &[],
        };
        for end in ends {
            seek(end, SeekFrom::Start(0))?;
        }
        self.calls.count_others(ends.len() as u64);
        Ok(())
    }
}
