//! The content table: what was read, by fingerprint and length, to find copies of it.

use aya_ebpf::{macros::map, maps::Array};

use crate::{recency, sample};

/// Shorter buffers are not looked up by content: equality of so few bytes proves nothing.
pub(crate) const MIN_LENGTH: u64 = 32;

const SLOTS: u32 = 16_384;

#[repr(C)]
pub(crate) struct Slot {
    /// Process and address space, 0 where the slot is free.
    tag: u64,
    fingerprint: u64,
    base: u64,
    length: u32,
    thread: u32,
    /// [`recency::stamp`] of the read.
    stamp: u32,
    source: u8,
    padding: [u8; 3],
}

const _: () = assert!(size_of::<Slot>() == 40);

#[map]
static CONTENT: Array<Slot> = Array::with_max_entries(SLOTS, 0);

/// A read whose content was found again.
pub(crate) struct Original {
    pub(crate) base: u64,
    pub(crate) thread: u32,
    pub(crate) source: u8,
}

#[inline(always)]
fn index_of(tag: u64, fingerprint: u64) -> u32 {
    (sample::mix(tag ^ fingerprint) >> 32) as u32 & (SLOTS - 1)
}

/// Remembers a read, and gives its slot plus 1.
#[inline(always)]
pub(crate) fn remember(
    tag: u64,
    fingerprint: u64,
    base: u64,
    length: u32,
    thread: u32,
    source: u8,
) -> u32 {
    let index = index_of(tag, fingerprint);
    let Some(slot) = CONTENT.get_ptr_mut(index) else {
        return 0;
    };
    // SAFETY: the slot lives in a map value. A torn slot does not match: the fingerprint is written
    // last and contains the length.
    unsafe {
        let now = recency::stamp(0);
        let old = (*slot).tag;
        let is_same = old == tag && (*slot).fingerprint == fingerprint;
        if old != 0 && !is_same {
            recency::count_eviction(old, now.wrapping_sub((*slot).stamp));
        }
        (&raw mut (*slot).tag).write_volatile(0);
        (*slot).stamp = now;
        (*slot).base = base;
        (*slot).length = length;
        (*slot).thread = thread;
        (*slot).source = source;
        (*slot).fingerprint = fingerprint;
        (&raw mut (*slot).tag).write_volatile(tag);
    }
    index + 1
}

/// Finds, and forgets, the read with this content.
#[inline(always)]
pub(crate) fn take(tag: u64, fingerprint: u64, length: u32) -> Option<Original> {
    let slot = CONTENT.get_ptr_mut(index_of(tag, fingerprint))?;
    // SAFETY: the slot lives in a map value.
    unsafe {
        if (*slot).tag != tag || (*slot).fingerprint != fingerprint || (*slot).length != length {
            return None;
        }
        (*slot).tag = 0;
        Some(Original {
            base: (*slot).base,
            thread: (*slot).thread,
            source: (*slot).source,
        })
    }
}

/// Forgets the read at `base` in `slot` (plus 1, as [`remember`] gave it).
#[inline(always)]
pub(crate) fn forget(tag: u64, slot: u32, base: u64) {
    if slot == 0 {
        return;
    }
    let Some(slot) = CONTENT.get_ptr_mut((slot - 1) & (SLOTS - 1)) else {
        return;
    };
    // SAFETY: the slot lives in a map value.
    unsafe {
        if (*slot).tag == tag && (*slot).base == base {
            (*slot).tag = 0;
        }
    }
}
