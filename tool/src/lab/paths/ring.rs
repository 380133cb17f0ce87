//! By io_uring.

use std::io;
use std::os::fd::{AsRawFd as _, RawFd};

use io_uring::squeue::{Entry, Flags};
use io_uring::{IoUring, Probe, cqueue, opcode, types};

use super::mover::{Mover, Way, some, unavailable};
use super::pipes::Pipe;
use super::{Calls, PIPE};
use crate::lab::mapping::Mapping;
use crate::model::Call;

/// Requests at once.
const ENTRIES: u32 = 32;

/// Read and sent at once, as by the usual buffer of `read` and `write`.
const BUFFER: usize = 64 << 10;

/// Lent by one request at most.
const CHUNK: usize = 256 << 10;

/// Requests whose memory the kernel may have at once.
const MOST_LENT: u32 = 16;

/// What one registered buffer may be (`io_sqe_buffer_register`, `io_uring/rsrc.c`, 6.18).
const REGISTERED: usize = 1 << 30;

/// A ring, which counts how often it is entered.
struct Ring(IoUring);

/// A read into a buffer, and a linked send of it.
pub(super) struct RingReadSend {
    ring: Ring,
    buffer: Vec<u8>,
}

/// A splice into a pipe, and a linked one from there on.
pub(super) struct RingSplice {
    ring: Ring,
    pipe: Pipe,
}

/// Sends memory by reference; the ring is before the memory, so that it ends first.
pub(super) struct RingLender {
    ring: Ring,
    memory: Lent,
    lent: u32,
}

/// What is lent.
enum Lent {
    Mapping(Mapping),
    /// Registered with the ring, which wants memory that can be written to.
    Registered(Vec<u8>),
}

impl Ring {
    /// One that has these operations.
    fn new(operations: &[u8]) -> io::Result<Self> {
        let ring = IoUring::new(ENTRIES).map_err(|error| match error.raw_os_error() {
            Some(libc::EPERM | libc::ENOSYS) => {
                unavailable("io_uring is switched off (kernel.io_uring_disabled), or not built in")
            }
            _ => error,
        })?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        if operations.iter().all(|code| probe.is_supported(*code)) {
            Ok(Self(ring))
        } else {
            Err(unavailable(
                "the io_uring of this kernel has no such operation",
            ))
        }
    }

    /// Hands these requests in, and waits until there is a completion.
    fn submit(&mut self, requests: &[Entry], calls: &mut Calls) -> io::Result<()> {
        // SAFETY: each caller keeps what its requests point to until they are complete.
        let pushed = unsafe { self.0.submission().push_multiple(requests) };
        pushed.map_err(io::Error::other)?;
        self.wait(1, calls)
    }

    fn wait(&self, completions: usize, calls: &mut Calls) -> io::Result<()> {
        calls.count_others(1);
        self.0.submit_and_wait(completions).map(|_| ())
    }

    /// Carries out two requests, the second after the first; gives what each returned.
    fn run_linked(&mut self, pair: [Entry; 2], calls: &mut Calls) -> io::Result<[i32; 2]> {
        let [first, second] = pair;
        let requests = [
            first.flags(Flags::IO_LINK).user_data(0),
            second.user_data(1),
        ];
        // SAFETY: the caller keeps what the requests point to, and they are complete at the end.
        let pushed = unsafe { self.0.submission().push_multiple(&requests) };
        pushed.map_err(io::Error::other)?;
        let (mut results, mut left) = ([0; 2], requests.len());
        while left > 0 {
            self.wait(left, calls)?;
            for completion in self.0.completion() {
                if let Some(result) = usize::try_from(completion.user_data())
                    .ok()
                    .and_then(|index| results.get_mut(index))
                {
                    *result = completion.result();
                }
                left -= 1;
            }
        }
        Ok(results)
    }
}

impl RingReadSend {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            ring: Ring::new(&[opcode::Read::CODE, opcode::Send::CODE])?,
            buffer: vec![0; BUFFER],
        })
    }
}

impl Mover for RingReadSend {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut done = 0;
        while done < way.size {
            let length = (way.size - done).min(BUFFER);
            let read = opcode::Read::new(fd(&way.from), self.buffer.as_mut_ptr(), short(length)?)
                .offset(done as u64);
            let send = opcode::Send::new(fd(&way.to), self.buffer.as_ptr(), short(length)?)
                .flags(libc::MSG_WAITALL);
            let results = self.ring.run_linked([read.build(), send.build()], calls)?;
            // What is short breaks the link.
            for (result, call) in results.into_iter().zip([Call::UringRead, Call::UringSend]) {
                let moved = moved(result)?;
                calls.count(call, moved);
                if moved != length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            done += length;
        }
        Ok(())
    }
}

impl RingSplice {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            ring: Ring::new(&[opcode::Splice::CODE])?,
            pipe: Pipe::new(PIPE)?,
        })
    }
}

impl Mover for RingSplice {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        /// For what has no position.
        const NONE: i64 = -1;
        let mut done = 0;
        while done < way.size {
            let length = (way.size - done).min(self.pipe.size);
            let position = i64::try_from(done).map_err(io::Error::other)?;
            let (into, out) = (fd(&self.pipe.into), fd(&self.pipe.out));
            let fill = opcode::Splice::new(fd(&way.from), position, into, NONE, short(length)?);
            let empty = opcode::Splice::new(out, NONE, fd(&way.to), NONE, short(length)?);
            let results = self.ring.run_linked([fill.build(), empty.build()], calls)?;
            for result in results {
                let moved = moved(result)?;
                calls.count(Call::UringSplice, moved);
                if moved != length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            done += length;
        }
        Ok(())
    }
}

impl RingLender {
    /// Of memory that is mapped, or of a copy of it that is registered.
    pub(super) fn new(mapping: Mapping, registered: bool) -> io::Result<Self> {
        let ring = Ring::new(&[opcode::SendZc::CODE])?;
        let memory = if registered {
            Lent::Registered(mapping.bytes().to_vec())
        } else {
            Lent::Mapping(mapping)
        };
        if let Lent::Registered(memory) = &memory {
            register(&ring.0, memory)?;
        }
        Ok(Self {
            ring,
            memory,
            lent: 0,
        })
    }

    /// Takes completions until this send's is among them; gives its result.
    fn result_of_send(&mut self, calls: &mut Calls) -> io::Result<usize> {
        loop {
            if let Some(result) = self.take_completions() {
                return moved(result);
            }
            self.ring.wait(1, calls)?;
        }
    }

    /// Takes those that are there. A send has two: its result, and that its memory is free again.
    fn take_completions(&mut self) -> Option<i32> {
        let mut result = None;
        for completion in self.ring.0.completion() {
            if cqueue::notif(completion.flags()) {
                self.lent -= 1;
            } else {
                result = Some(completion.result());
                self.lent += u32::from(cqueue::more(completion.flags()));
            }
        }
        result
    }
}

impl Mover for RingLender {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let mut done = 0;
        while done < way.size {
            while self.lent >= MOST_LENT {
                self.ring.wait(1, calls)?;
                self.take_completions();
            }
            let bytes = self.memory.bytes();
            let chunk = &bytes[done..bytes.len().min(done + CHUNK)];
            let send = opcode::SendZc::new(fd(&way.to), chunk.as_ptr(), short(chunk.len())?)
                .flags(libc::MSG_WAITALL)
                .buf_index(self.memory.buffer_of(done)?);
            self.ring.submit(&[send.build()], calls)?;
            let sent = self.result_of_send(calls)?;
            calls.count(Call::UringSendZc, sent);
            done += some(sent)?;
        }
        Ok(())
    }

    fn finish(&mut self, _way: &Way, calls: &mut Calls) -> io::Result<()> {
        while self.lent > 0 {
            self.ring.wait(1, calls)?;
            self.take_completions();
        }
        Ok(())
    }
}

impl Lent {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapping(mapping) => mapping.bytes(),
            Self::Registered(memory) => memory,
        }
    }

    /// Which registered buffer has the bytes from there on, none of which is in two.
    fn buffer_of(&self, position: usize) -> io::Result<Option<u16>> {
        match self {
            Self::Mapping(_) => Ok(None),
            Self::Registered(_) => {
                let buffer = u16::try_from(position / REGISTERED);
                buffer.map(Some).map_err(io::Error::other)
            }
        }
    }
}

/// Registers memory that lives as long as the ring.
fn register(ring: &IoUring, memory: &[u8]) -> io::Result<()> {
    let buffers: Vec<libc::iovec> = memory
        .chunks(REGISTERED)
        .map(|buffer| libc::iovec {
            iov_base: buffer.as_ptr().cast_mut().cast(),
            iov_len: buffer.len(),
        })
        .collect();
    // SAFETY: the memory is freed after the ring, and is only read: all that is done with it is sending.
    let registered = unsafe { ring.submitter().register_buffers(&buffers) };
    registered.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOMEM | libc::EPERM) => {
            unavailable("that much memory may not be locked (RLIMIT_MEMLOCK, ulimit -l)")
        }
        _ => error,
    })
}

fn fd(of: &std::os::fd::OwnedFd) -> types::Fd {
    let number: RawFd = of.as_raw_fd();
    types::Fd(number)
}

fn short(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}

/// Bytes, or the error that a completion has in place of them.
fn moved(result: i32) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))
}
