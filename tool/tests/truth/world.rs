//! One process: its endpoints, its memory, its truth, and single calls on them.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use crate::endpoints::{Endpoints, Origin};
use crate::features::Features;
use crate::memory::{Memory, Runs};
use crate::messages::{recvmmsg, recvmsg, sendmmsg, sendmsg};
use crate::operations::lending;
use crate::ring::Ring;
use crate::truth::{Counts, Truth, flow_key};

/// A segment: offset into the memory and length.
pub(crate) type Segment = (usize, usize);

pub(crate) struct World {
    pub(crate) random: fastrand::Rng,
    pub(crate) memory: Memory,
    pub(crate) endpoints: Endpoints,
    pub(crate) truth: Truth,
    pub(crate) features: Features,
    pub(crate) ring: Option<Ring>,
    /// The thread that carried the last call out, if it is not the current one.
    pub(crate) acting: Option<i32>,
}

/// Where to read from.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub(crate) kind: &'static str,
    pub(crate) fd: RawFd,
    /// The channel, for those that are one.
    pub(crate) channel: Option<usize>,
    /// Bytes that can be read now.
    pub(crate) available: usize,
}

/// Whether a call lends its memory to a socket, and how its completion is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lends {
    /// It does not.
    Nothing,
    /// The socket counts them.
    Counted,
    /// io_uring has told by now, with this result.
    Notified(&'static str),
}

/// Where to write to.
#[derive(Clone, Copy)]
pub(crate) struct Sink {
    pub(crate) kind: &'static str,
    pub(crate) fd: RawFd,
    pub(crate) channel: Option<usize>,
    /// Bytes that can be written now.
    pub(crate) room: usize,
}

pub(crate) fn is_socket(kind: &str) -> bool {
    matches!(kind, "tcp" | "unix" | "udp" | "unix_datagram")
}

pub(crate) fn thread() -> i32 {
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

impl World {
    /// A source with at least one byte.
    pub(crate) fn pick_source(&mut self) -> Source {
        let choice = self.random.usize(..self.endpoints.channels.len() + 3);
        if let Some(channel) = self.endpoints.channels.get(choice)
            && !channel.runs.is_empty()
        {
            // A read from a datagram socket gives one datagram.
            let available = if channel.is_datagram() {
                channel.runs[0].1
            } else {
                channel.pending()
            };
            return Source {
                kind: channel.kind,
                fd: channel.reader,
                channel: Some(choice),
                available,
            };
        }
        if choice == self.endpoints.channels.len() {
            return Source {
                kind: "char",
                fd: self.endpoints.random,
                channel: None,
                available: 4_096,
            };
        }
        self.file_source()
    }

    pub(crate) fn file_source(&mut self) -> Source {
        let length = crate::endpoints::FILE_LENGTH;
        if length - self.endpoints.source_position < (300 << 10) {
            self.endpoints.source_position = 0;
            // SAFETY: a call on descriptors and memory that live as long as it runs.
            unsafe { libc::lseek(self.endpoints.source_file, 0, libc::SEEK_SET) };
        }
        Source {
            kind: "file",
            fd: self.endpoints.source_file,
            channel: None,
            available: length - self.endpoints.source_position,
        }
    }

    /// A sink that takes at least one byte.
    pub(crate) fn pick_sink(&mut self) -> Sink {
        let choice = self.random.usize(..self.endpoints.channels.len() + 2);
        if let Some(channel) = self.endpoints.channels.get(choice)
            && channel.room() > 0
        {
            return Sink {
                kind: channel.kind,
                fd: channel.writer,
                channel: Some(choice),
                room: channel.room(),
            };
        }
        if choice == self.endpoints.channels.len() {
            return Sink {
                kind: "char",
                fd: self.endpoints.null,
                channel: None,
                room: usize::MAX,
            };
        }
        Sink {
            kind: "file",
            fd: self.endpoints.sink_file,
            channel: None,
            room: usize::MAX,
        }
    }

    /// A length up to `limit`, small and large ones alike. Rarely less than 8: fewer bytes are equal
    /// to others by chance, and then are what the audit says that they are.
    pub(crate) fn length(&mut self, limit: usize) -> usize {
        let bits = self.random.u32(4..=17);
        self.random.usize(8..=1 << bits).min(limit)
    }

    /// Reads into `segments` by one call; gives the bytes.
    pub(crate) fn read(&mut self, source: Source, segments: &[Segment]) -> usize {
        if self.random.u32(..3) == 0 {
            return self.ring_read(source, segments);
        }
        self.acting = None;
        let vector: Vec<libc::iovec> = segments.iter().map(|s| self.vector(*s)).collect();
        let (address, length) = (vector[0].iov_base, vector[0].iov_len);
        let count = vector.len() as i32;
        let fd = source.fd;
        let position = self.random.i64(0..crate::endpoints::FILE_LENGTH as i64 / 2);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let (name, result) = unsafe {
            if segments.len() > 1 {
                match self.read_vector_call(source) {
                    "readv" => ("readv", libc::readv(fd, vector.as_ptr(), count)),
                    "preadv" => ("preadv", libc::preadv(fd, vector.as_ptr(), count, position)),
                    "preadv2" => ("preadv2", libc::preadv2(fd, vector.as_ptr(), count, -1, 0)),
                    "recvmmsg" => recvmmsg(fd, &vector),
                    _ => recvmsg(fd, &vector),
                }
            } else {
                match self.random.u32(..4) {
                    0 if is_socket(source.kind) => ("recvfrom", libc::recv(fd, address, length, 0)),
                    1 if is_socket(source.kind) => recvmsg(fd, &vector),
                    2 if is_socket(source.kind) => recvmmsg(fd, &vector),
                    0 if source.kind == "file" => {
                        ("pread64", libc::pread(fd, address, length, position))
                    }
                    _ => ("read", libc::read(fd, address, length)),
                }
            }
        };
        let bytes = self.expect(name, result);
        let moves_position = !matches!(name, "pread64" | "preadv");
        self.account_read(name, source, segments, bytes, moves_position);
        bytes
    }

    /// Accounts for a call that read `bytes`.
    pub(crate) fn account_read(
        &mut self,
        name: &'static str,
        source: Source,
        segments: &[Segment],
        bytes: usize,
        moves_position: bool,
    ) {
        if source.kind == "file" && moves_position {
            self.endpoints.source_position += bytes;
        }
        if let Some(channel) = source.channel {
            self.endpoints.channels[channel].drain(bytes);
        }
        self.truth
            .simple_call(name, source.kind, "none", "ingest", bytes as u64);
        let filled = cut(segments, bytes);
        if !filled.is_empty() {
            self.memory.ingest(self.thread(), source.kind, &filled);
        }
    }

    /// The thread that carried the last call out.
    fn thread(&self) -> i32 {
        self.acting.unwrap_or_else(thread)
    }

    fn read_vector_call(&mut self, source: Source) -> &'static str {
        let calls: &[&'static str] = match source.kind {
            "file" => &["readv", "preadv", "preadv2"],
            kind if is_socket(kind) => &["readv", "recvmsg", "recvmmsg"],
            _ => &["readv", "preadv2"],
        };
        calls[self.random.usize(..calls.len())]
    }

    /// Writes `segments` by one call; gives the bytes, or `None` where it would have blocked.
    pub(crate) fn write(&mut self, sink: Sink, segments: &[Segment]) -> Option<usize> {
        if self.random.u32(..3) == 0 {
            return self.ring_write(sink, segments);
        }
        self.acting = None;
        let vector: Vec<libc::iovec> = segments.iter().map(|s| self.vector(*s)).collect();
        let (address, length) = (vector[0].iov_base, vector[0].iov_len);
        let count = vector.len() as i32;
        let fd = sink.fd;
        let flags = self.send_flags();
        let lends = flags & libc::MSG_ZEROCOPY != 0 && self.lends(sink);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let (name, result) = unsafe {
            if segments.len() > 1 {
                match self.write_vector_call(sink) {
                    "writev" => ("writev", libc::writev(fd, vector.as_ptr(), count)),
                    "pwritev" => ("pwritev", libc::pwritev(fd, vector.as_ptr(), count, 0)),
                    "pwritev2" => (
                        "pwritev2",
                        libc::pwritev2(fd, vector.as_ptr(), count, -1, 0),
                    ),
                    "sendmmsg" => sendmmsg(fd, &vector, flags),
                    _ => sendmsg(fd, &vector, flags),
                }
            } else {
                match self.random.u32(..4) {
                    0 if is_socket(sink.kind) => ("sendto", libc::send(fd, address, length, flags)),
                    1 if is_socket(sink.kind) => sendmsg(fd, &vector, flags),
                    2 if is_socket(sink.kind) => sendmmsg(fd, &vector, flags),
                    0 if sink.kind == "file" => ("pwrite64", libc::pwrite(fd, address, length, 0)),
                    _ => ("write", libc::write(fd, address, length)),
                }
            }
        };
        if result < 0 && std::io::Error::last_os_error().kind() == std::io::ErrorKind::WouldBlock {
            self.truth.error(name, "none", sink.kind, libc::EAGAIN);
            return None;
        }
        let bytes = self.expect(name, result);
        let lends = if lends && matches!(name, "sendto" | "sendmsg" | "sendmmsg") {
            Lends::Counted
        } else {
            Lends::Nothing
        };
        self.account(name, sink, &[(segments, bytes)], lends);
        Some(bytes)
    }

    /// Accounts for a call that wrote these messages: segments, and the bytes that went of them.
    pub(crate) fn account(
        &mut self,
        name: &'static str,
        sink: Sink,
        messages: &[(&[Segment], usize)],
        lends: Lends,
    ) {
        let (mut flows, mut settled) = (BTreeMap::new(), Vec::new());
        for &(segments, bytes) in messages {
            let mut sums = BTreeMap::new();
            for ((class, source), run) in self.classify(sink.kind, segments, bytes) {
                let key = if lends != Lends::Nothing {
                    lending::lent_key(name, class, source, sink.kind)
                } else {
                    flow_key(name, source, sink.kind, class)
                };
                *sums.entry(key).or_insert(0) += run;
            }
            let mut sent = Vec::new();
            for (key, bytes) in sums {
                let calls = u64::from(!flows.contains_key(&key));
                *flows.entry(key.clone()).or_insert(0) += bytes;
                sent.push((key, Counts { bytes, calls }));
            }
            if let Some(channel) = sink.channel {
                let channel = &mut self.endpoints.channels[channel];
                if bytes > 0 {
                    channel.fill(Origin::WRITTEN, bytes);
                }
                if bytes == 0 {
                    continue;
                }
                match lends {
                    Lends::Nothing => {}
                    Lends::Counted => channel.lent.sent(sent),
                    Lends::Notified(sharing) => settled.push((sent, sharing)),
                }
            }
        }
        if flows.is_empty() {
            flows.insert(flow_key(name, "none", sink.kind, "none"), 0);
        }
        self.truth.call(name, &flows);
        for (sent, sharing) in settled {
            self.truth.settle(&sent, sharing);
        }
    }

    /// Classes and sources of the first `bytes` of some segments, which were written.
    fn classify(&mut self, sink: &str, segments: &[Segment], bytes: usize) -> Runs {
        let mut runs = Runs::new();
        let mut left = bytes;
        for &(offset, wanted) in segments {
            let length = wanted.min(left);
            left -= length;
            if length == 0 {
                continue;
            }
            for (key, run) in self
                .memory
                .egress(sink, self.thread(), offset, length, wanted)
            {
                *runs.entry(key).or_default() += run;
            }
        }
        runs
    }

    fn write_vector_call(&mut self, sink: Sink) -> &'static str {
        let calls: &[&'static str] = match sink.kind {
            "file" => &["writev", "pwritev", "pwritev2"],
            kind if is_socket(kind) => &["writev", "sendmsg", "sendmmsg"],
            _ => &["writev", "pwritev2"],
        };
        calls[self.random.usize(..calls.len())]
    }

    pub(crate) fn vector(&self, (offset, length): Segment) -> libc::iovec {
        libc::iovec {
            iov_base: self.memory.pointer(offset),
            iov_len: length,
        }
    }

    /// The result of a call that must not fail.
    pub(crate) fn expect(&self, name: &str, result: isize) -> usize {
        assert!(
            result >= 0,
            "{name} failed: {}",
            std::io::Error::last_os_error()
        );
        result as usize
    }
}

/// The parts of `segments` that `bytes` fill.
pub(crate) fn cut(segments: &[Segment], mut bytes: usize) -> Vec<Segment> {
    let mut filled = Vec::new();
    for &(offset, length) in segments {
        if bytes == 0 {
            break;
        }
        filled.push((offset, length.min(bytes)));
        bytes -= length.min(bytes);
    }
    filled
}
