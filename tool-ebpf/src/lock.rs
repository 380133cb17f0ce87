//! A lock for a few dozen instructions, in a word of a map value.

use core::arch::asm;

use copytax_common::LossCounter;

use crate::loss;

/// Attempts before giving up: the holder cannot be preempted and leaves within some 100 ns.
const ATTEMPTS: u32 = 64;

/// Takes the lock at `word`; `false` is counted as a loss, and the caller leaves the data alone.
#[inline(always)]
pub(crate) fn acquire(word: *mut u64) -> bool {
    for _ in 0..ATTEMPTS {
        if is_acquired(word) {
            return true;
        }
    }
    loss::count(LossCounter::RelayContention);
    false
}

/// Tries once to take the lock at `word`.
#[inline(always)]
pub(crate) fn is_acquired(word: *mut u64) -> bool {
    exchange(word, 1) == 0
}

/// Gives the lock back.
#[inline(always)]
pub(crate) fn release(word: *mut u64) {
    crate::arch::store_release(word, 0);
}

/// Puts `value` into `word` and gives what was there, as one fully ordered step (Linux 5.12).
#[inline(always)]
fn exchange(word: *mut u64, value: u64) -> u64 {
    let mut value = value;
    // core offers no exchange for a target without compare-and-swap in its baseline.
    // SAFETY: the word lives in a map value and is only used as a lock; the block is a compiler
    // barrier because it may touch memory.
    unsafe {
        asm!(
            "{value} = xchg_64({word} + 0, {value})",
            value = inout(reg) value,
            word = in(reg) word,
            options(nostack)
        );
    }
    value
}
