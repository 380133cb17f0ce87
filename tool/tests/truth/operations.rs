//! The random operations. Each leaves nothing half-written that a later one could continue.

use crate::endpoints;
use crate::world::{Segment, Sink, Source, World};

/// Longest relay: two units of spending.
pub(crate) const LONGEST: usize = 128 << 10;

impl World {
    /// Carries one random operation out.
    pub(crate) fn operate(&mut self) {
        match self.random.u32(..100) {
            0..12 => self.generate(),
            12..24 => self.relay(),
            24..30 => self.relay_copy(),
            30..36 => self.transform(),
            36..44 => self.pieces(),
            44..50 => self.gather(),
            50..56 => self.with_header(),
            56..60 => self.across_threads(),
            60..63 => self.short_writes(),
            63..66 => self.ring(),
            66..68 => self.reopened(),
            68..74 => self.sendfile(),
            74..84 => self.splice(),
            84..87 => self.tee(),
            87..90 => self.vmsplice(),
            90..93 => self.copy_file_range(),
            93..97 => self.fail(),
            _ => self.nothing(),
        }
    }

    pub(crate) fn fill(&mut self, offset: usize, length: usize) {
        let mut random = self.random.fork();
        self.memory.store(offset, length, |_| random.u8(..));
    }

    /// Writes what the process made.
    fn generate(&mut self) {
        let sink = self.pick_sink();
        let length = self.length(sink.room.min(LONGEST));
        let slot = self.memory.slot();
        self.fill(slot, length);
        let segments = self.split(slot, length);
        self.write(sink, &segments);
    }

    /// Splits a buffer into one to four segments.
    fn split(&mut self, offset: usize, length: usize) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut start = 0;
        while start < length && segments.len() < 3 && self.random.bool() {
            let part = self
                .random
                .usize(8..=(length - start).max(8))
                .min(length - start);
            segments.push((offset + start, part));
            start += part;
        }
        if start < length {
            segments.push((offset + start, length - start));
        }
        segments
    }

    /// Reads into a slot by one call; gives what was read.
    fn read_some(&mut self, source: Source, limit: usize) -> Segment {
        let slot = self.memory.slot();
        let length = self.length(source.available.min(limit));
        let segments = if source
            .channel
            .is_some_and(|c| self.endpoints.channels[c].is_datagram())
        {
            vec![(slot, length)]
        } else {
            self.split(slot, length)
        };
        let bytes = self.read(source, &segments);
        (slot, bytes)
    }

    /// A source and a sink, and the most that fits.
    fn pair(&mut self) -> (Source, Sink, usize) {
        let (source, sink) = (self.pick_source(), self.pick_sink());
        let limit = sink.room.min(LONGEST);
        (source, sink, limit)
    }

    fn relay(&mut self) {
        let (source, sink, limit) = self.pair();
        let (slot, length) = self.read_some(source, limit);
        let segments = self.split(slot, length);
        self.write(sink, &segments);
    }

    /// Copies what was read to another buffer before it writes it.
    fn relay_copy(&mut self) {
        let (source, sink, limit) = self.pair();
        let slot = self.memory.slot();
        let length = self.length(source.available.min(limit));
        let length = self.read(source, &[(slot, length)]);
        let Some(copy) = self.memory.clean_slot(length) else {
            return;
        };
        let bytes = self.memory.read_bytes(slot, length).to_vec();
        self.memory.store(copy, length, |index| bytes[index]);
        self.write(sink, &[(copy, length)]);
    }

    /// Changes every byte, in place or in another buffer.
    fn transform(&mut self) {
        let (source, sink, limit) = self.pair();
        let (slot, length) = self.read_some(source, limit);
        let to = if self.random.bool() {
            slot
        } else {
            self.memory.slot()
        };
        let bytes = self.memory.read_bytes(slot, length).to_vec();
        let mut random = self.random.fork();
        self.memory.store(to, length, |index| {
            bytes[index].wrapping_add(random.u8(1..))
        });
        self.write(sink, &[(to, length)]);
    }

    /// Writes one read in several calls, in order or not.
    fn pieces(&mut self) {
        let source = self.pick_source();
        let (slot, length) = self.read_some(source, LONGEST);
        let mut pieces = self.split(slot, length);
        if self.random.bool() {
            self.random.shuffle(&mut pieces);
        }
        for piece in pieces {
            let sink = self.pick_sink();
            if sink.room >= piece.1 {
                self.write(sink, &[piece]);
            }
        }
    }

    /// Fills one buffer by several reads, and writes it by one call.
    fn gather(&mut self) {
        let slot = self.memory.slot();
        let mut filled = 0;
        // The kernel half keeps eight reads of different sources in 64 KiB of memory.
        for _ in 0..self.random.usize(2..6) {
            let source = if self.random.u32(..3) > 0 {
                self.file_source()
            } else {
                self.pick_source()
            };
            let length = self.length(source.available.min(16 << 10));
            filled += self.read(source, &[(slot + filled, length)]);
        }
        let sink = self.pick_sink();
        let length = filled.min(sink.room);
        self.write(sink, &[(slot, length)]);
    }

    /// A header that the process made before the bytes that it read: in a vector, or in front of
    /// them in the same buffer.
    fn with_header(&mut self) {
        let (source, sink, limit) = self.pair();
        let header = self.random.usize(1..200).min(limit);
        if limit - header == 0 {
            return;
        }
        let slot = self.memory.slot();
        let length = self.length(source.available.min(limit - header));
        let length = self.read(source, &[(slot + header, length)]);
        if self.random.bool() {
            self.fill(slot, header);
            self.write(sink, &[(slot, header + length)]);
        } else {
            let other = self.memory.slot();
            self.fill(other, header);
            self.write(sink, &[(other, header), (slot + header, length)]);
        }
    }

    /// Reads on one thread and writes on another.
    fn across_threads(&mut self) {
        let (source, sink, limit) = self.pair();
        let (slot, length) = std::thread::scope(|scope| {
            let reader = scope.spawn(|| self.read_some(source, limit));
            reader.join().expect("it does not panic")
        });
        if self.random.bool() {
            std::thread::scope(|scope| {
                scope.spawn(|| self.write(sink, &[(slot, length)]));
            });
        } else {
            self.write(sink, &[(slot, length)]);
        }
    }

    /// Writes to a socket that takes less than it is given, and goes on behind that.
    fn short_writes(&mut self) {
        let (reader, writer) = endpoints::narrow().expect("a socket pair");
        let (reader, writer) = (std::os::fd::AsRawFd::as_raw_fd(&reader), writer);
        let source = self.file_source();
        let slot = self.memory.slot();
        let length = self.random.usize(8..200 << 10);
        let mut length = self.read(source, &[(slot, length)]);
        let mut start = slot;
        if self.random.bool()
            && let Some(copy) = self.memory.clean_slot(length)
        {
            start = copy;
            let bytes = self.memory.read_bytes(slot, length).to_vec();
            self.memory.store(start, length, |index| bytes[index]);
        }
        let sink = Sink {
            kind: "unix",
            fd: std::os::fd::AsRawFd::as_raw_fd(&writer),
            channel: None,
            room: 0,
        };
        let drain = self.memory.slot();
        while length > 0 {
            if let Some(bytes) = self.write(sink, &[(start, length)]) {
                start += bytes;
                length -= bytes;
            } else {
                let source = Source {
                    kind: "unix",
                    fd: reader,
                    channel: None,
                    available: 0,
                };
                self.read(source, &[(drain, 64 << 10)]);
            }
        }
    }

    /// Uses a buffer as a ring: what was written makes room for the next read, before the rest is
    /// written.
    fn ring(&mut self) {
        let sink = self.pick_sink();
        let slot = self.memory.slot();
        let length = self.random.usize(512..64 << 10);
        let source = self.file_source();
        let length = self.read(source, &[(slot, length)]);
        let front = self.random.usize(64..length / 2);
        if sink.room < 2 * length {
            return;
        }
        self.write(sink, &[(slot, front)]);
        let source = self.file_source();
        let again = self.read(source, &[(slot, front)]);
        let middle = self.random.usize(64..length / 2);
        self.write(sink, &[(slot + front, middle.min(length - front))]);
        let done = front + middle.min(length - front);
        self.write(sink, &[(slot + done, length - done), (slot, again)]);
    }

    /// Reads from a descriptor that then becomes another file: the source stays what it was.
    fn reopened(&mut self) {
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let fd = unsafe { libc::dup(self.endpoints.random) };
        let source = Source {
            kind: "char",
            fd,
            channel: None,
            available: 256,
        };
        let (slot, length) = self.read_some(source, 256);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe { libc::dup2(self.endpoints.sink_file, fd) };
        let sink = Sink {
            kind: "file",
            fd,
            channel: None,
            room: usize::MAX,
        };
        self.write(sink, &[(slot, length)]);
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe { libc::close(fd) };
    }

    /// Calls that fail.
    fn fail(&mut self) {
        let mut byte = 0u8;
        let address = (&raw mut byte).cast();
        let pipe = self.endpoints.channels[2].reader;
        let null = std::ptr::null_mut();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe {
            match self.random.u32(..4) {
                0 => {
                    assert_eq!(libc::read(-1, address, 1), -1);
                    self.truth.error("read", "unknown", "none", libc::EBADF);
                }
                1 => {
                    let file = self.endpoints.source_file;
                    assert_eq!(libc::sendfile(file, pipe, null, 1), -1);
                    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
                    self.truth.error("sendfile", "pipe", "file", errno);
                }
                2 => {
                    let file = self.endpoints.source_file;
                    let sink = self.endpoints.sink_file;
                    let result = libc::splice(file, null.cast(), sink, null.cast(), 1, 0);
                    assert_eq!(result, -1);
                    self.truth.error("splice", "file", "file", libc::EINVAL);
                }
                _ => {
                    assert_eq!(libc::write(pipe, address, 1), -1);
                    self.truth.error("write", "none", "pipe", libc::EBADF);
                }
            }
        }
    }

    /// Calls that move nothing.
    fn nothing(&mut self) {
        let mut byte = 0u8;
        let address = (&raw mut byte).cast();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe {
            if self.random.bool() {
                assert_eq!(
                    libc::pread(self.endpoints.source_file, address, 1, 1 << 40),
                    0
                );
                self.truth
                    .simple_call("pread64", "file", "none", "ingest", 0);
            } else {
                assert_eq!(libc::write(self.endpoints.sink_file, address, 0), 0);
                self.truth.simple_call("write", "none", "file", "none", 0);
            }
        }
    }
}
