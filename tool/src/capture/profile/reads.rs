//! Reads of which a byte was chosen, until that byte is written.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::stacks::StackId;

/// Reads that are remembered: bytes that are never written stay until others take their place.
const MAX_READS: usize = 65_536;

/// A read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// Who read.
    pub(super) stack: Option<StackId>,
    /// Path or addresses of what was read.
    pub(super) source: Option<Arc<str>>,
}

/// Reads by the ids of their samples.
#[derive(Debug, Default)]
pub(super) struct Reads {
    by_id: HashMap<u64, Read>,
    /// Ids in the order in which they came, some of which are gone.
    order: VecDeque<u64>,
}

impl Reads {
    /// Remembers a read.
    pub(super) fn insert(&mut self, id: u64, read: Read) {
        while self.order.len() >= MAX_READS {
            if let Some(oldest) = self.order.pop_front() {
                self.by_id.remove(&oldest);
            }
        }
        self.order.push_back(id);
        self.by_id.insert(id, read);
    }

    /// Takes the read with this id; each byte is written once.
    pub(super) fn take(&mut self, id: u64) -> Option<Read> {
        self.by_id.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut reads = Reads::default();
        let read = Read {
            stack: None,
            source: None,
        };
        for id in 0..=MAX_READS as u64 {
            reads.insert(id, read.clone());
        }
        assert!(reads.take(0).is_none());
        assert!(reads.take(1).is_some());
        assert!(reads.take(1).is_none());
        assert!(reads.take(MAX_READS as u64).is_some());
    }
}
