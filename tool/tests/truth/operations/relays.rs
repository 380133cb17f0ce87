//! Writes of what the process made, read, copied or changed.

use std::os::fd::AsRawFd;

use super::LONGEST;
use crate::endpoints;
use crate::world::{Sink, Source, World};

impl World {
    /// Writes what the process made.
    pub(super) fn generate(&mut self) {
        let sink = self.pick_sink();
        let length = self.length(sink.room.min(LONGEST));
        let slot = self.memory.slot();
        self.fill(slot, length);
        let segments = self.split(slot, length);
        self.write(sink, &segments);
    }

    pub(super) fn relay(&mut self) {
        let (source, sink, limit) = self.pair();
        let (slot, length) = self.read_some(source, limit);
        let segments = self.split(slot, length);
        self.write(sink, &segments);
    }

    /// Copies what was read to another buffer before it writes it.
    pub(super) fn relay_copy(&mut self) {
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
    pub(super) fn transform(&mut self) {
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
    pub(super) fn pieces(&mut self) {
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
    pub(super) fn gather(&mut self) {
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
    pub(super) fn with_header(&mut self) {
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
    pub(super) fn across_threads(&mut self) {
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
    pub(super) fn short_writes(&mut self) {
        let source = self.file_source();
        let slot = self.memory.slot();
        let length = self.random.usize(8..200 << 10);
        let length = self.read(source, &[(slot, length)]);
        let mut start = slot;
        if self.random.bool()
            && let Some(copy) = self.memory.clean_slot(length)
        {
            start = copy;
            let bytes = self.memory.read_bytes(slot, length).to_vec();
            self.memory.store(start, length, |index| bytes[index]);
        }
        self.write_in_parts(start, length);
    }

    /// Writes to a socket that takes less than it is given, until it has taken all.
    pub(super) fn write_in_parts(&mut self, mut start: usize, mut length: usize) {
        let (reader, writer) = endpoints::narrow().expect("a socket pair");
        let sink = Sink {
            kind: "unix",
            fd: writer.as_raw_fd(),
            channel: None,
            room: 0,
        };
        let source = Source {
            kind: "unix",
            fd: reader.as_raw_fd(),
            channel: None,
            available: 0,
        };
        let drain = self.memory.slot();
        while length > 0 {
            if let Some(bytes) = self.write(sink, &[(start, length)]) {
                start += bytes;
                length -= bytes;
            } else {
                self.read(source, &[(drain, 64 << 10)]);
            }
        }
    }

    /// Uses a buffer as a ring: what was written makes room for the next read, before the rest is
    /// written.
    pub(super) fn ring(&mut self) {
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
    pub(super) fn reopened(&mut self) {
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
}
