//! Writes of more pieces than the kernel half walks.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, RawFd};
use std::ptr::null;
use std::thread;

use copytax::model::EndpointKind::{self, Char, Tcp};
use copytax::model::{Class, Snapshot};

use crate::ring;

/// The relay table has sets of this many reads, for each granule of so many bytes. Each read and each
/// gap is a step, of which it makes 65,536: 17 for each granule at most, and more granules than that
/// takes, since some share a set.
const WAYS: usize = 8;
const GRANULE: usize = 64 << 10;
const GRANULES: usize = 10_240;
/// Bytes of a read, and of the gap behind it.
const READ: usize = 8;
/// Elements of a vector at most (`UIO_MAXIOV`).
const ELEMENTS: usize = 1_024;

/// The calls. Rings come last: the end of one interrupts a system call that waits.
const CALLS: [(&str, EndpointKind); 13] = [
    ("write", Char),
    ("pwrite64", Char),
    ("writev", Char),
    ("pwritev", Char),
    ("pwritev2", Char),
    ("sendto", Tcp),
    ("sendmsg", Tcp),
    ("sendmmsg", Tcp),
    ("io_uring_write", Char),
    ("io_uring_writev", Char),
    ("io_uring_write_fixed", Char),
    ("io_uring_send", Tcp),
    ("io_uring_sendmsg", Tcp),
];

/// Memory that is written at once.
pub(crate) struct Buffer {
    pub(crate) address: *mut libc::c_void,
    pub(crate) length: usize,
}

impl Buffer {
    fn new() -> Self {
        let length = GRANULES * GRANULE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: new memory.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
        assert_ne!(address, libc::MAP_FAILED);
        Self { address, length }
    }

    /// All of it.
    pub(crate) fn vector(&self) -> libc::iovec {
        libc::iovec {
            iov_base: self.address,
            iov_len: self.length,
        }
    }

    /// Reads into each granule as often as is remembered.
    fn read(&self, zero: &File) {
        let pieces = (0..GRANULES * WAYS).map(|index| {
            // Into the second page: a granule begins with a gap, wherever the buffer begins.
            let offset = index / WAYS * GRANULE + 4_096 + index % WAYS * 2 * READ;
            libc::iovec {
                iov_base: self.address.wrapping_byte_add(offset),
                iov_len: READ,
            }
        });
        let pieces: Vec<_> = pieces.collect();
        for vector in pieces.chunks(ELEMENTS) {
            let (pointer, count) = (vector.as_ptr(), vector.len() as i32);
            // SAFETY: the elements are within the buffer, which nobody borrows.
            let read = || unsafe { libc::readv(zero.as_raw_fd(), pointer, count) };
            // The end of a ring may cut one short.
            while read() != (vector.len() * READ) as isize {}
        }
    }
}

/// A message of these elements.
pub(crate) fn message(vector: &[libc::iovec]) -> libc::msghdr {
    // SAFETY: integers and pointers; zero is a value of each.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = vector.as_ptr().cast_mut();
    message.msg_iovlen = vector.len();
    message
}

/// Each write-like call, of all of a buffer that was read piece by piece.
pub(crate) fn too_many_pieces() {
    let zero = File::open("/dev/zero").expect("it can be read");
    let null = File::options().write(true).open("/dev/null");
    let null = null.expect("it can be written");
    let buffer = Buffer::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let sender = TcpStream::connect(address).expect("it listens");
    let (receiver, _) = listener.accept().expect("it has connected");
    let discarding = thread::spawn(move || discard(&receiver));
    for (name, kind) in CALLS {
        buffer.read(&zero);
        let is_tcp = kind == Tcp;
        let sink = if is_tcp {
            sender.as_raw_fd()
        } else {
            null.as_raw_fd()
        };
        let result = if name.starts_with("io_uring") {
            ring::write(name, sink, &buffer)
        } else {
            call(name, sink, &buffer)
        };
        assert_eq!(result, buffer.length as isize, "{name}");
    }
    drop(sender);
    discarding.join().expect("no panic");
}

/// Drops what comes, without a copy, until the end.
fn discard(receiver: &TcpStream) {
    let (fd, length) = (receiver.as_raw_fd(), 1 << 20);
    // SAFETY: with this flag nothing is written to the memory (`tcp(7)`).
    while unsafe { libc::recv(fd, std::ptr::null_mut(), length, libc::MSG_TRUNC) } > 0 {}
}

/// A system call, by its name, for all of the buffer.
fn call(name: &str, sink: RawFd, buffer: &Buffer) -> isize {
    let (address, length) = (buffer.address.cast_const(), buffer.length);
    let vector = [buffer.vector()];
    let pointer = vector.as_ptr();
    let mut messages = [libc::mmsghdr {
        msg_hdr: message(&vector),
        msg_len: 0,
    }];
    // SAFETY: calls on memory that lives as long as they run.
    unsafe {
        match name {
            "write" => libc::write(sink, address, length),
            "pwrite64" => libc::pwrite(sink, address, length, 0),
            "writev" => libc::writev(sink, pointer, 1),
            "pwritev" => libc::pwritev(sink, pointer, 1, 0),
            "pwritev2" => libc::pwritev2(sink, pointer, 1, -1, 0),
            "sendto" => libc::sendto(sink, address, length, 0, null(), 0),
            "sendmsg" => libc::sendmsg(sink, &raw const messages[0].msg_hdr, 0),
            "sendmmsg" => {
                assert_eq!(libc::sendmmsg(sink, messages.as_mut_ptr(), 1, 0), 1);
                messages[0].msg_len as isize
            }
            other => panic!("no call {other}"),
        }
    }
}

/// All bytes of each call are there, and some are unknown.
pub(crate) fn check(snapshot: &Snapshot) -> Result<(), String> {
    let mut found: BTreeMap<(&str, EndpointKind), (u64, u64)> = BTreeMap::new();
    for flow in &snapshot.flows {
        let sums = found.entry((flow.call.name(), flow.sink)).or_default();
        sums.0 += flow.bytes;
        if flow.class == Class::Unknown {
            sums.1 += flow.bytes;
        }
    }
    for key in CALLS {
        let (all, unknown) = found.get(&key).copied().unwrap_or_default();
        if all != (GRANULES * GRANULE) as u64 || unknown == 0 {
            return Err(format!("{key:?}: {all} bytes, {unknown} of them unknown"));
        }
    }
    let (truncated, calls) = (snapshot.loss.pieces_truncated, CALLS.len() as u64);
    if truncated != calls {
        return Err(format!("pieces_truncated {truncated}, not {calls}"));
    }
    Ok(())
}
