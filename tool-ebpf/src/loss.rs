//! Loss counters: whatever could not be counted or kept is counted here.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use copytax_common::LossCounter;

#[map]
static LOSS: PerCpuArray<u64> = PerCpuArray::with_max_entries(LossCounter::COUNT, 0);

/// Counts one loss.
#[inline(always)]
pub(crate) fn count(counter: LossCounter) {
    if let Some(value) = LOSS.get_ptr_mut(counter as u32) {
        // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
        unsafe { *value += 1 };
    }
}
