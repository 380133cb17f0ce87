//! Moves bytes by one path, and counts its calls.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{SeekFrom, copy_file_range, seek, sendfile};
use rustix::io::{read, write};
use rustix::pipe::{
    IoSliceRaw, PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice, vmsplice,
};

use super::lend::Lender;
use super::{Calls, Job, Method, PIPE, Path};
use crate::lab::mapping::Mapping;
use crate::model::Call;

/// More than this no call moves at once (`MAX_RW_COUNT`, `include/linux/fs.h`).
const LARGEST: usize = 1 << 30;

/// System calls that mapping a file and unmapping it take: its seals, its size, `mmap`, `munmap`.
const CALLS_OF_MAPPING: u64 = 4;

/// One path between two ends.
pub(in crate::lab) struct Courier {
    path: Path,
    from: OwnedFd,
    to: OwnedFd,
    /// Moved by one transfer.
    size: usize,
    calls: Calls,
    means: Means,
}

/// What a method keeps between transfers.
enum Means {
    Nothing,
    Buffer(Vec<u8>),
    Pipe(Pipe),
    File(File),
    MemoryAndPipe(Mapping, Pipe),
    Lender(Mapping, Lender),
}

struct Pipe {
    out: OwnedFd,
    into: OwnedFd,
    size: usize,
}

impl Courier {
    /// Prepares to move `size` bytes at a time. Where the path sends memory, `from` is a sealed
    /// memory file of that size.
    pub(in crate::lab) fn new(
        path: Path,
        from: OwnedFd,
        to: OwnedFd,
        size: usize,
    ) -> io::Result<Self> {
        let file = || from.try_clone().map(File::from);
        let means = match path.method {
            Method::Sendfile | Method::CopyFileRange => Means::Nothing,
            Method::ReadWrite { buffer } => Means::Buffer(vec![0; buffer]),
            Method::Splice { pipe } => Means::Pipe(Pipe::new(pipe)?),
            Method::MmapWrite => Means::File(file()?),
            Method::Vmsplice => Means::MemoryAndPipe(Mapping::of(&file()?)?, Pipe::new(PIPE)?),
            Method::ZeroCopySend => Means::Lender(Mapping::of(&file()?)?, Lender::new(&to)?),
        };
        Ok(Self {
            path,
            from,
            to,
            size,
            calls: Calls::default(),
            means,
        })
    }

    /// Moves the bytes of one transfer.
    ///
    /// # Errors
    ///
    /// A refused call, or an end that came too early.
    pub(in crate::lab) fn transfer(&mut self) -> io::Result<()> {
        self.rewind()?;
        let (from, to, calls) = (self.from.as_fd(), self.to.as_fd(), &mut self.calls);
        match &mut self.means {
            Means::Nothing => by_one_call(self.path.method, from, to, self.size, calls),
            Means::Buffer(buffer) => by_buffer(from, to, self.size, buffer, calls),
            Means::Pipe(pipe) => by_pipe(from, to, self.size, pipe, calls),
            Means::File(file) => {
                let mapping = Mapping::of(file)?;
                calls.count_others(CALLS_OF_MAPPING);
                write_all(to, mapping.bytes(), calls)
            }
            Means::MemoryAndPipe(mapping, pipe) => by_vmsplice(mapping.bytes(), to, pipe, calls),
            Means::Lender(mapping, lender) => lender.send(to, mapping.bytes(), calls),
        }
    }

    /// Waits until nothing that was sent is needed any more.
    ///
    /// # Errors
    ///
    /// A refused call.
    pub(in crate::lab) fn finish(&mut self) -> io::Result<()> {
        match &mut self.means {
            Means::Lender(_, lender) => lender.reclaim_all(self.to.as_fd(), &mut self.calls),
            _ => Ok(()),
        }
    }

    /// What was called so far.
    pub(in crate::lab) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Files are moved from their beginning, each time. What memory needs none is not timed with one.
    fn rewind(&mut self) -> io::Result<()> {
        let needs_position = !matches!(
            self.path.method,
            Method::MmapWrite | Method::Vmsplice | Method::ZeroCopySend
        );
        let ends: &[&OwnedFd] = match self.path.job {
            Job::Send if needs_position => &[&self.from],
            Job::Copy => &[&self.from, &self.to],
            Job::Send | Job::Relay => &[],
        };
        for end in ends {
            seek(end, SeekFrom::Start(0))?;
        }
        self.calls.count_others(ends.len() as u64);
        Ok(())
    }
}

impl Pipe {
    fn new(size: usize) -> io::Result<Self> {
        let (out, into) = pipe_with(PipeFlags::CLOEXEC)?;
        if size != PIPE {
            fcntl_setpipe_size(&into, size)?;
        }
        Ok(Self { out, into, size })
    }

    /// Moves on what is in it.
    fn empty(&self, to: BorrowedFd<'_>, mut staged: usize, calls: &mut Calls) -> io::Result<()> {
        while staged > 0 {
            let moved = splice(&self.out, None, to, None, staged, SpliceFlags::MOVE)?;
            calls.count(Call::Splice, moved);
            staged -= some(moved)?;
        }
        Ok(())
    }
}

fn by_one_call(
    method: Method,
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    mut left: usize,
    calls: &mut Calls,
) -> io::Result<()> {
    while left > 0 {
        let most = left.min(LARGEST);
        let (call, moved) = if method == Method::CopyFileRange {
            let moved = copy_file_range(from, None, to, None, most)?;
            (Call::CopyFileRange, moved)
        } else {
            (Call::Sendfile, sendfile(to, from, None, most)?)
        };
        calls.count(call, moved);
        left -= some(moved)?;
    }
    Ok(())
}

fn by_buffer(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    mut left: usize,
    buffer: &mut [u8],
    calls: &mut Calls,
) -> io::Result<()> {
    while left > 0 {
        let most = left.min(buffer.len());
        let filled = read(from, &mut buffer[..most])?;
        calls.count(Call::Read, filled);
        write_all(to, &buffer[..some(filled)?], calls)?;
        left -= filled;
    }
    Ok(())
}

fn by_pipe(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    mut left: usize,
    pipe: &Pipe,
    calls: &mut Calls,
) -> io::Result<()> {
    while left > 0 {
        let most = left.min(pipe.size);
        let staged = splice(from, None, &pipe.into, None, most, SpliceFlags::MOVE)?;
        calls.count(Call::Splice, staged);
        pipe.empty(to, some(staged)?, calls)?;
        left -= staged;
    }
    Ok(())
}

fn by_vmsplice(
    mut bytes: &[u8],
    to: BorrowedFd<'_>,
    pipe: &Pipe,
    calls: &mut Calls,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let most = bytes.len().min(pipe.size);
        let slice = [IoSliceRaw::from_slice(&bytes[..most])];
        // SAFETY: the pages belong to a sealed memory file: nobody can change them while the pipe
        // or the socket has them, and they stay for as long as those need them.
        let staged = unsafe { vmsplice(&pipe.into, &slice, SpliceFlags::empty())? };
        calls.count(Call::Vmsplice, staged);
        pipe.empty(to, some(staged)?, calls)?;
        bytes = &bytes[staged..];
    }
    Ok(())
}

/// By `write`, as the paths promise: the standard library sends to a socket with `sendto`.
fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8], calls: &mut Calls) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = write(to, bytes)?;
        calls.count(Call::Write, written);
        bytes = &bytes[some(written)?..];
    }
    Ok(())
}

/// No bytes is an end that came too early.
fn some(moved: usize) -> io::Result<usize> {
    if moved == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(moved)
}
