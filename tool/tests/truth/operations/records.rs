//! What looks like records of TLS.

use super::LONGEST;
use crate::tls::{APPLICATION_DATA, HEADER};
use crate::world::World;

impl World {
    /// Writes records of TLS, or what is almost some.
    pub(super) fn records(&mut self) {
        let sink = self.pick_sink();
        let slot = self.memory.slot();
        let length = self.store_records(slot, sink.room.min(LONGEST));
        if length == 0 {
            return;
        }
        self.write(sink, &[(slot, length)]);
    }

    /// Puts one to three records into memory, of at most `limit` bytes; gives their length.
    fn store_records(&mut self, slot: usize, limit: usize) -> usize {
        let mut records = Vec::new();
        for _ in 0..self.random.usize(1..4) {
            let left = limit - records.len();
            if left < HEADER + 8 {
                break;
            }
            let length = self.length((left - HEADER).min(20_000));
            let kind = if self.random.u32(..4) == 0 {
                self.random.u8(19..26)
            } else {
                APPLICATION_DATA
            };
            let version = [3, self.random.u8(0..6)];
            let told = if self.random.u32(..6) == 0 {
                self.random.usize(..40_000)
            } else {
                length
            };
            records.push(kind);
            records.extend(version);
            records.extend((told as u16).to_be_bytes());
            let mut content = vec![0; length];
            self.random.fill(&mut content);
            records.extend(content);
        }
        if self.random.u32(..8) == 0 {
            records.pop();
        }
        let length = records.len();
        self.memory.store(slot, length, |index| records[index]);
        length
    }

    /// Writes records to a socket that takes less than it is given, and goes on behind that.
    pub(super) fn records_in_short_writes(&mut self) {
        let slot = self.memory.slot();
        let length = self.store_records(slot, LONGEST);
        self.write_in_parts(slot, length);
    }
}
