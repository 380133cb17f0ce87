//! How old remembered reads and open transfers are, and which reads nobody can write any more.
//!
//! Forgetting a read for want of room is a loss only if it might still be written. Most programs
//! write what they relay within milliseconds, and keep most of what they read.

use aya_ebpf::{helpers::generated::bpf_jiffies64, macros::map, maps::LruHashMap};
use copytax_common::LossCounter;

use crate::loss;

/// Age, in jiffies, from which on a read that was not written is taken as kept: 0.25 to 2.5 s,
/// depending on the kernel's HZ.
const KEPT_AFTER: u32 = 250;

/// Bits of a stamp below the jiffies: they tell reads of one jiffy apart.
const ORDER_BITS: u32 = 8;

/// Tags of processes that have exited or replaced their program.
#[map]
static DEAD: LruHashMap<u64, u8> = LruHashMap::with_max_entries(16_384, 0);

/// The time, comparable with what [`stamp`] gives.
#[inline(always)]
pub(crate) fn now() -> u32 {
    // SAFETY: no preconditions.
    (unsafe { bpf_jiffies64() } as u32) << ORDER_BITS
}

/// The time, as a number that grows from one call to the next where `last` is what the one before
/// gave. It wraps around after hours.
#[inline(always)]
pub(crate) fn stamp(last: u32) -> u32 {
    let now = now();
    if now.wrapping_sub(last) as i32 > 0 {
        now
    } else {
        last.wrapping_add(1)
    }
}

/// Counts that a read of `tag` was forgotten, `age` (a difference of stamps) after it was read.
#[inline(always)]
pub(crate) fn count_eviction(tag: u64, age: u32) {
    // SAFETY: only whether there is an element matters.
    if age >> ORDER_BITS < KEPT_AFTER && unsafe { DEAD.get(tag) }.is_none() {
        loss::count(LossCounter::RelayEvictions);
    }
}

/// Counts that a transfer was taken as ended for want of room, `age` after its last bytes.
#[inline(always)]
pub(crate) fn count_early_end(age: u32) {
    if age >> ORDER_BITS < KEPT_AFTER {
        loss::count(LossCounter::TransfersSplit);
    }
}

/// Notes that nobody has the address space of `tag` any more.
#[inline(always)]
pub(crate) fn bury(tag: u64) {
    // An error only makes a later eviction count.
    let _ = DEAD.insert(tag, 0, 0);
}
