//! Writes of memory that is a mapping: of a file, or of none.

use std::os::fd::RawFd;

use crate::endpoints::MAPPED_LENGTH;
use crate::memory::SLOT;
use crate::world::{Segment, World};

/// Bytes of a page.
const PAGE: usize = 4_096;

/// What a mapping is, and whether its bytes are a file's.
struct Kind {
    /// `None` for memory of no file.
    file: Option<RawFd>,
    flags: i32,
    /// The process writes into it.
    is_written: bool,
    is_file: bool,
}

impl World {
    /// Writes from a mapping that was put into the place of a buffer.
    pub(super) fn write_mapped(&mut self) {
        let slot = self.memory.slot();
        let pages = self.random.usize(1..=MAPPED_LENGTH / PAGE);
        let kind = self.mapping_kind();
        self.map(slot, pages * PAGE, &kind);
        if kind.is_file {
            self.memory.set_mapped(&[(slot, pages * PAGE)]);
        }
        for _ in 0..self.random.usize(1..3) {
            let sink = self.pick_sink();
            let limit = sink.room.min(2 * MAPPED_LENGTH);
            let length = self.length(limit);
            let offset = self.random.usize(..pages * PAGE);
            let segments = if self.random.bool() {
                vec![(slot + offset, length)]
            } else {
                self.with_made(sink.room, (slot + offset, length))
            };
            self.write(sink, &segments);
        }
        self.unmap(slot);
    }

    fn mapping_kind(&mut self) -> Kind {
        let (file, program) = (self.endpoints.mapped_file, self.endpoints.program);
        let (file, flags, is_written, is_file) = match self.random.u32(..8) {
            0 | 1 => (Some(file), libc::MAP_SHARED, false, true),
            2 => (Some(file), libc::MAP_SHARED, true, true),
            3 | 4 => (Some(file), libc::MAP_PRIVATE, false, true),
            5 => (Some(file), libc::MAP_PRIVATE, true, false),
            6 => (
                None,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                self.random.bool(),
                false,
            ),
            _ => (Some(program), libc::MAP_PRIVATE, false, false),
        };
        Kind {
            file,
            flags,
            is_written,
            is_file,
        }
    }

    /// Puts a mapping into the place of a buffer, and memory of no file behind it.
    fn map(&mut self, slot: usize, length: usize, kind: &Kind) {
        self.unmap(slot);
        let address = self.memory.pointer(slot);
        let writable = kind.is_written || (kind.flags & libc::MAP_PRIVATE != 0);
        let protection = if writable {
            libc::PROT_READ | libc::PROT_WRITE
        } else {
            libc::PROT_READ
        };
        // SAFETY: the buffer is the process' own, and none of its bytes is borrowed.
        let mapped = unsafe {
            let flags = kind.flags | libc::MAP_FIXED;
            libc::mmap(
                address,
                length,
                protection,
                flags,
                kind.file.unwrap_or(-1),
                0,
            )
        };
        assert_eq!(mapped, address, "{}", std::io::Error::last_os_error());
        if kind.is_written {
            self.fill(slot, length);
        }
        self.touch(slot, length);
        if kind.is_written && self.random.bool() {
            // SAFETY: nobody writes there any more.
            let result = unsafe { libc::mprotect(address, length, libc::PROT_READ) };
            assert_eq!(result, 0);
        }
    }

    /// Has all pages of the mapping there: what a sink does not look at, a probe cannot.
    fn touch(&self, slot: usize, length: usize) {
        let pages = self.memory.read_bytes(slot, length).chunks(PAGE);
        std::hint::black_box(pages.map(|page| u64::from(page[0])).sum::<u64>());
    }

    /// Makes the buffer memory of no file, filled with what the process makes.
    fn unmap(&mut self, slot: usize) {
        self.memory.set_mapped(&[]);
        let address = self.memory.pointer(slot);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        // SAFETY: the buffer is the process' own, and none of its bytes is borrowed.
        let mapped = unsafe { libc::mmap(address, SLOT, protection, flags, -1, 0) };
        assert_eq!(mapped, address);
        self.fill(slot, SLOT);
    }

    /// A vector of what the process made, and of some of a mapping.
    fn with_made(&mut self, room: usize, (offset, length): Segment) -> Vec<Segment> {
        let made = self.random.usize(8..200).min(room / 2);
        let slot = self.memory.slot();
        self.fill(slot, made);
        vec![(slot, made), (offset, length.min(room - made))]
    }
}
