//! The process' buffers, and for every byte of them the read that it came from: the accounting
//! rules of docs/accounting.md, byte by byte, instead of the kernel half's intervals and samples.

use std::collections::{BTreeMap, HashMap};

use crate::tls;

/// Bytes of one buffer; each has the memory around its start to itself.
pub(crate) const SLOT: usize = 256 << 10;
/// Buffers.
pub(crate) const SLOTS: usize = 12;

/// Reads of up to this length are one unit of spending.
const CHUNK: usize = 64 << 10;
/// Shorter writes are not compared by content.
const MIN_CONTENT: usize = 32;

/// Part of a read.
struct Unit {
    source: &'static str,
    copied: bool,
    left: usize,
    /// The segment that it is the first unit of.
    content: Option<usize>,
    /// The thread that read it.
    thread: i32,
}

/// The content of one segment as it was read.
struct Content {
    bytes: Vec<u8>,
    source: &'static str,
    units: Vec<u32>,
    /// Who read it, and where to.
    last: (i32, usize),
    is_alive: bool,
}

/// A thread's last read.
struct Last {
    base: usize,
    length: usize,
    left: usize,
    source: &'static str,
}

/// A run of a written segment: class and source.
pub(crate) type Runs = BTreeMap<(&'static str, &'static str), u64>;

pub(crate) struct Memory {
    bytes: &'static mut [u8],
    /// Unit of each byte plus 1.
    shadow: Vec<u32>,
    units: Vec<Unit>,
    contents: Vec<Content>,
    last: HashMap<i32, Last>,
    /// Runs of memory (offset, length) that are a mapping of a file.
    mapped: Vec<(usize, usize)>,
    next_slot: usize,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let length = SLOT * SLOTS;
        // Aligned like the kernel half's granules, so that slots do not share one.
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        let bytes = unsafe {
            let address = libc::mmap(
                std::ptr::null_mut(),
                length + SLOT,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(address, libc::MAP_FAILED);
            let aligned = (address as usize).next_multiple_of(SLOT) as *mut u8;
            std::slice::from_raw_parts_mut(aligned, length)
        };
        Self {
            bytes,
            shadow: vec![0; length],
            units: Vec::new(),
            contents: Vec::new(),
            last: HashMap::new(),
            mapped: Vec::new(),
            next_slot: 0,
        }
    }

    /// Forgets all reads: this is another process now.
    pub(crate) fn forget(&mut self) {
        self.shadow.fill(0);
        self.units.clear();
        self.contents.clear();
        self.last.clear();
    }

    /// Offset of a buffer that no other operation uses now.
    pub(crate) fn slot(&mut self) -> usize {
        self.next_slot = (self.next_slot + 1) % SLOTS;
        self.next_slot * SLOT
    }

    /// Like [`Self::slot`], of buffers whose first `length` bytes have all been written since they
    /// were read: what is copied there cannot by chance be what was read there.
    pub(crate) fn clean_slot(&mut self, length: usize) -> Option<usize> {
        for _ in 0..SLOTS {
            let slot = self.slot();
            if self.shadow[slot..slot + length]
                .iter()
                .all(|unit| *unit == 0)
            {
                return Some(slot);
            }
        }
        None
    }

    pub(crate) fn pointer(&self, offset: usize) -> *mut libc::c_void {
        self.bytes[offset..].as_ptr().cast_mut().cast()
    }

    pub(crate) fn read_bytes(&self, offset: usize, length: usize) -> &[u8] {
        &self.bytes[offset..offset + length]
    }

    /// The process writes into its memory: what was read there is gone.
    pub(crate) fn store(
        &mut self,
        offset: usize,
        length: usize,
        mut byte: impl FnMut(usize) -> u8,
    ) {
        for index in 0..length {
            self.bytes[offset + index] = byte(index);
        }
        self.clear(offset, length);
    }

    fn clear(&mut self, offset: usize, length: usize) {
        for index in offset..offset + length {
            self.unlink(index);
        }
    }

    fn unlink(&mut self, index: usize) {
        let unit = self.shadow[index];
        if unit == 0 {
            return;
        }
        self.shadow[index] = 0;
        let unit = &mut self.units[unit as usize - 1];
        unit.left -= 1;
    }

    /// Bytes have been read into these segments (offset, length), whose sum is `total`.
    pub(crate) fn ingest(
        &mut self,
        thread: i32,
        source: &'static str,
        segments: &[(usize, usize)],
    ) {
        let total: usize = segments.iter().map(|segment| segment.1).sum();
        for &(offset, length) in segments {
            self.ingest_segment(thread, source, offset, length);
        }
        let last = Last {
            base: segments[0].0,
            length: total,
            left: total,
            source,
        };
        self.last.insert(thread, last);
    }

    fn ingest_segment(&mut self, thread: i32, source: &'static str, offset: usize, length: usize) {
        self.overwrite(offset, length);
        let content = self.contents.len();
        let first_unit = self.units.len();
        let mut start = offset;
        while start < offset + length {
            let end = (start + CHUNK).min(offset + length);
            self.units.push(Unit {
                source,
                copied: false,
                left: end - start,
                content: (start == offset).then_some(content),
                thread,
            });
            self.shadow[start..end].fill(self.units.len() as u32);
            start = end;
        }
        self.contents.push(Content {
            bytes: self.bytes[offset..offset + length].to_vec(),
            source,
            units: (first_unit as u32 + 1..=self.units.len() as u32).collect(),
            last: (thread, offset),
            is_alive: length >= MIN_CONTENT,
        });
    }

    /// A read goes over bytes that were read before; the copy of a whole unit is forgotten with it.
    fn overwrite(&mut self, offset: usize, length: usize) {
        for index in offset..offset + length {
            let unit = self.shadow[index];
            self.unlink(index);
            if unit != 0
                && self.units[unit as usize - 1].left == 0
                && let Some(content) = self.units[unit as usize - 1].content
            {
                self.contents[content].is_alive = false;
            }
        }
    }

    /// Bytes have been written from a segment to an endpoint of kind `sink`: `length` of the `wanted`
    /// that were asked for.
    pub(crate) fn egress(
        &mut self,
        sink: &str,
        thread: i32,
        offset: usize,
        length: usize,
        wanted: usize,
    ) -> Runs {
        let mut runs = Runs::new();
        let mut gap = 0;
        for index in offset..offset + length {
            let unit = self.shadow[index];
            if unit == 0 {
                gap += 1;
                continue;
            }
            self.unlink(index);
            let unit = &self.units[unit as usize - 1];
            let class = match (unit.copied, unit.source) {
                (true, "none") => "tls_record",
                (true, _) => "same_content",
                _ => "same_buffer",
            };
            *runs.entry((class, unit.source)).or_default() += 1;
            let (is_spent, content, reader) = (unit.left == 0, unit.content, unit.thread);
            if is_spent && let Some(content) = content {
                self.contents[content].is_alive = false;
            }
            self.relayed(reader, index);
        }
        if gap == 0 {
            return runs;
        }
        if !runs.is_empty() {
            runs.insert(("none", "none"), gap);
            return runs;
        }
        if let Some(source) = self.take_content((offset, length), wanted, thread) {
            runs.insert(("same_content", source), gap);
            return runs;
        }
        let mapped = self.mapped_bytes(offset, length);
        if mapped > 0 {
            runs.insert(("mapped", "file"), mapped);
            if mapped < gap {
                runs.insert(("none", "none"), gap - mapped);
            }
            return runs;
        }
        let key = self.made(sink, thread, (offset, length), wanted);
        runs.insert(key, gap);
        runs
    }

    /// Notes what of the memory is a mapping of a file.
    pub(crate) fn set_mapped(&mut self, runs: &[(usize, usize)]) {
        self.mapped = runs.to_vec();
    }

    fn mapped_bytes(&self, offset: usize, length: usize) -> u64 {
        let overlap = |&(start, size): &(usize, usize)| {
            let end = (start + size).min(offset + length);
            end.saturating_sub(start.max(offset)) as u64
        };
        self.mapped.iter().map(overlap).sum()
    }

    /// The byte at `index`, which `thread` read, was written unchanged: if it is of the thread's last
    /// read, no other write is a transformation of that.
    fn relayed(&mut self, thread: i32, index: usize) {
        if let Some(last) = self.last.get_mut(&thread)
            && (last.base..last.base + last.length).contains(&index)
        {
            last.left = 0;
        }
    }

    /// The source of the read that a segment is a copy of; what of it was not written is followed.
    fn take_content(
        &mut self,
        (offset, length): (usize, usize),
        wanted: usize,
        thread: i32,
    ) -> Option<&'static str> {
        let bytes = &self.bytes[offset..offset + wanted];
        let found = self
            .contents
            .iter()
            .rposition(|content| content.is_alive && content.bytes == bytes)?;
        self.contents[found].is_alive = false;
        let source = self.contents[found].source;
        for unit in self.contents[found].units.clone() {
            for entry in self.shadow.iter_mut().filter(|entry| **entry == unit) {
                *entry = 0;
            }
            self.units[unit as usize - 1].left = 0;
        }
        let (reader, base) = self.contents[found].last;
        self.relayed(reader, base);
        self.follow(source, (offset + length, offset + wanted), thread);
        Some(source)
    }

    /// What a short write has left of a copy, or of a TLS record, which has no source.
    fn follow(&mut self, source: &'static str, (mut start, end): (usize, usize), thread: i32) {
        while start < end {
            let next = (start + CHUNK).min(end);
            self.units.push(Unit {
                source,
                copied: true,
                left: next - start,
                content: None,
                thread,
            });
            self.shadow[start..next].fill(self.units.len() as u32);
            start = next;
        }
    }

    /// Class and source of a segment that is neither in memory nor in content what was read.
    fn made(
        &mut self,
        sink: &str,
        thread: i32,
        (offset, length): (usize, usize),
        wanted: usize,
    ) -> (&'static str, &'static str) {
        let is_stream = matches!(sink, "tcp" | "unix");
        if is_stream && tls::is_record(&self.bytes[offset..offset + wanted]) {
            self.follow("none", (offset + length, offset + wanted), thread);
            return ("tls_record", "none");
        }
        match self.last.get_mut(&thread) {
            Some(last) if last.left == wanted => {
                last.left -= length;
                ("same_size", last.source)
            }
            _ => ("none", "none"),
        }
    }
}
