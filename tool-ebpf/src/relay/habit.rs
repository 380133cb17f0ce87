//! Which small reads are not sampled.
//!
//! Reading the memory of a process takes longer than all else that a small call costs. A thread that
//! relays through the same memory again and again, and never changed what it read, is not looked at
//! each time; nor is one that keeps what it reads. Which calls are left out is random, so that no
//! pattern of a program hides in it.

use core::cell::Cell;

/// Calls in a row of which each was sampled, before some are not.
const STEADY: u8 = 128;

/// One in so many is sampled then, a power of 2.
const ONE_IN: u16 = 4;

/// How a small read was sampled: in the place of a second sample, which it does not have.
pub(crate) const SAMPLED: u32 = 0;
/// Not at all: [`STEADY`] reads before it were written unchanged.
pub(crate) const TRUSTED: u32 = 1;
/// Not at all: [`STEADY`] reads before it were not written.
pub(crate) const UNSAMPLED: u32 = 2;

/// What a thread did with its last reads into the same memory.
#[repr(C)]
pub(crate) struct Habit {
    random: Cell<u16>,
    /// Reads in a row that were written unchanged, as far as they were sampled.
    relayed: Cell<u8>,
    /// Reads in a row that were not written.
    kept: Cell<u8>,
}

impl Habit {
    /// The next read may be anything.
    #[inline(always)]
    pub(crate) fn forget(&self) {
        self.relayed.set(0);
        self.kept.set(0);
    }

    /// The last read was written, and was not changed as far as it is known.
    #[inline(always)]
    pub(crate) fn note_relayed(&self) {
        self.kept.set(0);
        count(&self.relayed);
    }

    /// The last read was not written.
    #[inline(always)]
    pub(crate) fn note_kept(&self) {
        self.relayed.set(0);
        count(&self.kept);
    }

    /// How to sample the next read: [`SAMPLED`], [`TRUSTED`] or [`UNSAMPLED`].
    #[inline(always)]
    pub(crate) fn next(&self) -> u32 {
        let without = if self.relayed.get() >= STEADY {
            TRUSTED
        } else if self.kept.get() >= STEADY {
            UNSAMPLED
        } else {
            return SAMPLED;
        };
        // A linear congruential generator of full period; its upper bits are the good ones.
        let random = self.random.get().wrapping_mul(25_173).wrapping_add(13_849);
        self.random.set(random);
        if random <= u16::MAX / ONE_IN {
            SAMPLED
        } else {
            without
        }
    }
}

#[inline(always)]
fn count(calls: &Cell<u8>) {
    let number = calls.get();
    if number < STEADY {
        calls.set(number + 1);
    }
}
