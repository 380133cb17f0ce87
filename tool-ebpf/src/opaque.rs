//! Variables that the verifier does not follow.
//!
//! It explores a loop once for every combination of values that registers can have. What lies in a
//! map value is unknown to it, so that a loop that keeps its variables there is explored once. The
//! accesses are volatile, or the compiler would keep them in registers all the same.

use core::{arch::asm, cell::Cell};

/// Writes a variable.
#[inline(always)]
pub(crate) fn set<T: Copy>(cell: &Cell<T>, value: T) {
    // SAFETY: the cell is valid for writes.
    unsafe { cell.as_ptr().write_volatile(value) };
}

/// Reads a variable.
#[inline(always)]
pub(crate) fn get<T: Copy>(cell: &Cell<T>) -> T {
    // SAFETY: the cell is valid for reads.
    unsafe { cell.as_ptr().read_volatile() }
}

/// `value`, of which the compiler knows nothing from here on: a comparison then stays, for the verifier
/// to see, and is of the register that is used.
#[inline(always)]
pub(crate) fn unbounded(value: u64) -> u64 {
    let mut value = value;
    // SAFETY: an instruction on a register.
    unsafe {
        asm!("{value} = {value}", value = inout(reg) value, options(pure, nomem));
    }
    value
}
