//! What was called, counted where it is called.

use std::collections::BTreeMap;

use crate::model::{Call, CallSum};

/// Calls that moved bytes, and others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::lab) struct Calls {
    /// A handful: found faster here than in a tree, between two system calls that are timed.
    sums: Vec<(Call, CallSum)>,
    others: u64,
}

impl Calls {
    /// One call that moved `bytes`.
    pub(in crate::lab) fn count(&mut self, call: Call, bytes: usize) {
        let bytes = bytes as u64;
        match self.sums.iter_mut().find(|(known, _)| *known == call) {
            Some((_, sum)) => {
                sum.calls += 1;
                sum.bytes += bytes;
            }
            None => self.sums.push((call, CallSum { calls: 1, bytes })),
        }
    }

    /// System calls that move nothing.
    pub(in crate::lab) fn count_others(&mut self, calls: u64) {
        self.others += calls;
    }

    /// Those that move nothing.
    pub(in crate::lab) fn others(&self) -> u64 {
        self.others
    }

    /// Adds what `other` has.
    pub(in crate::lab) fn add(&mut self, other: &Self) {
        for &(call, sum) in &other.sums {
            match self.sums.iter_mut().find(|(known, _)| *known == call) {
                Some((_, known)) => {
                    known.calls += sum.calls;
                    known.bytes += sum.bytes;
                }
                None => self.sums.push((call, sum)),
            }
        }
        self.others += other.others;
    }

    /// Those that move bytes, by name.
    pub(in crate::lab) fn by_call(&self) -> BTreeMap<Call, CallSum> {
        self.sums.iter().copied().collect()
    }
}
