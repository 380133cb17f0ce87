//! From memory: a sealed memory file, mapped.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::pipe::{IoSliceRaw, SpliceFlags, vmsplice};

use super::files::write_all;
use super::mover::{Mover, Way, some};
use super::pipes::Pipe;
use super::{Calls, PIPE};
use crate::lab::mapping::Mapping;
use crate::model::Call;

/// System calls that mapping a file and unmapping it take: its seals, its size, `mmap`, `munmap`.
const CALLS_OF_MAPPING: u64 = 4;

/// `mmap` for each transfer, and `write` of all of it.
pub(super) struct Mapped {
    file: File,
}

/// `write` of memory that is there.
pub(super) struct Memory {
    mapping: Mapping,
}

/// `vmsplice` into a pipe, and from there on.
pub(super) struct Vmspliced {
    mapping: Mapping,
    pipe: Pipe,
    flags: SpliceFlags,
}

impl Mapped {
    pub(super) fn new(file: File) -> Self {
        Self { file }
    }
}

impl Mover for Mapped {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mapping = Mapping::of(&self.file)?;
        calls.count_others(CALLS_OF_MAPPING);
        write_all(way.to.as_fd(), mapping.bytes(), calls)
    }
}

impl Memory {
    pub(super) fn new(mapping: Mapping) -> Self {
        Self { mapping }
    }
}

impl Mover for Memory {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        write_all(way.to.as_fd(), self.mapping.bytes(), calls)
    }
}

impl Vmspliced {
    pub(super) fn new(mapping: Mapping, gift: bool) -> io::Result<Self> {
        Ok(Self {
            mapping,
            pipe: Pipe::new(PIPE)?,
            flags: if gift {
                SpliceFlags::GIFT
            } else {
                SpliceFlags::empty()
            },
        })
    }
}

impl Mover for Vmspliced {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut bytes = self.mapping.bytes();
        while !bytes.is_empty() {
            let most = bytes.len().min(self.pipe.size);
            let slice = [IoSliceRaw::from_slice(&bytes[..most])];
            // SAFETY: the pages belong to a sealed memory file: nobody can change them while the pipe
            // or the socket has them, and they stay for as long as those need them.
            let staged = unsafe { vmsplice(&self.pipe.into, &slice, self.flags)? };
            calls.count(Call::Vmsplice, staged);
            let to = way.to.as_fd();
            self.pipe
                .empty(to, some(staged)?, SpliceFlags::MOVE, calls)?;
            bytes = &bytes[staged..];
        }
        Ok(())
    }
}
