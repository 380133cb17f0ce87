//! The random operations. Each leaves nothing half-written that a later one could continue.

mod idle;
mod kernel;
mod lending;
mod mapped;
mod records;
mod relays;

use crate::world::{Segment, Sink, Source, World};

/// Longest relay: two units of spending.
const LONGEST: usize = 128 << 10;

impl World {
    /// Carries one random operation out.
    pub(crate) fn operate(&mut self) {
        match self.random.u32(..124) {
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
            93..96 => self.fail(),
            96..104 => self.lend(),
            104..110 => self.read_completions(),
            110..116 => self.write_mapped(),
            116..120 => self.records(),
            120..122 => self.records_in_short_writes(),
            _ => self.nothing(),
        }
    }

    fn fill(&mut self, offset: usize, length: usize) {
        let mut random = self.random.fork();
        self.memory.store(offset, length, |_| random.u8(..));
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
}
