//! Each thread's last read: a write of the same length but other content is a transformation.

use crate::relay::{self, Front, Place};
use aya_ebpf::{macros::map, maps::Array};

const THREADS: u32 = 65_536;

#[repr(C)]
pub(crate) struct LastIngest {
    tag: u64,
    base: u64,
    thread: u32,
    /// Bytes that were read.
    length: u32,
    /// Bytes not yet written, 0 when spent.
    left: u32,
    /// Where its memory is remembered.
    place: Place,
    source: u8,
    padding: [u8; 7],
}

const _: () = assert!(size_of::<LastIngest>() == 40);

/// By thread id; ids that are equal in their low 16 bits share a slot, the later read stays.
#[map]
static LAST_INGEST: Array<LastIngest> = Array::with_max_entries(THREADS, 0);

#[inline(always)]
fn slot_of(thread: u32) -> Option<*mut LastIngest> {
    LAST_INGEST.get_ptr_mut(thread & (THREADS - 1))
}

/// Where the last read of `thread` is remembered, if that was of `length` bytes to `base`.
#[inline(always)]
pub(crate) fn place_of_read(tag: u64, thread: u32, base: u64, length: u64) -> Place {
    let Some(last) = slot_of(thread) else {
        return Place(0);
    };
    // SAFETY: the slot lives in a map value.
    unsafe {
        let is_same = (*last).tag == tag
            && (*last).thread == thread
            && (*last).base == base
            && u64::from((*last).length) == length;
        if is_same { (*last).place } else { Place(0) }
    }
}

/// Remembers that `thread` read `length` bytes, and where these are remembered.
#[inline(always)]
pub(crate) fn remember(tag: u64, thread: u32, base: u64, length: u64, source: u8, place: Place) {
    let Some(last) = slot_of(thread) else {
        return;
    };
    // SAFETY: the slot lives in a map value.
    unsafe {
        (*last).place = place;
        (*last).tag = tag;
        (*last).base = base;
        (*last).thread = thread;
        (*last).length = length as u32;
        (*last).left = length as u32;
        (*last).source = source;
    }
}

/// If `thread` last read just `wanted` bytes: spends `written` of them and gives their source.
#[inline(always)]
pub(crate) fn take(tag: u64, thread: u32, wanted: u64, written: u64) -> Option<u8> {
    let last = slot_of(thread)?;
    // SAFETY: the slot lives in a map value.
    unsafe {
        if (*last).tag != tag || (*last).thread != thread || u64::from((*last).left) != wanted {
            return None;
        }
        (*last).left -= written as u32;
        Some((*last).source)
    }
}

/// Spends, by the short way, `length` bytes at `address` that `thread` read last.
#[inline(always)]
pub(crate) fn spend(tag: u64, thread: u32, address: u64, length: u64) -> Option<Front> {
    let last = slot_of(thread)?;
    // SAFETY: the slot lives in a map value.
    unsafe {
        if (*last).tag != tag || (*last).thread != thread || (*last).place == Place(0) {
            return None;
        }
        let front = relay::spend_at((*last).place, tag, thread, address, address + length)?;
        (*last).left = 0;
        Some(front)
    }
}

/// Forgets what `thread` read if some of it, `length` bytes at `address`, was written unchanged.
#[inline(always)]
pub(crate) fn forget(tag: u64, thread: u32, address: u64, length: u64) {
    let Some(last) = slot_of(thread) else {
        return;
    };
    // SAFETY: the slot lives in a map value.
    unsafe {
        let (base, end) = ((*last).base, (*last).base + u64::from((*last).length));
        if (*last).tag == tag
            && (*last).thread == thread
            && address < end
            && base < address + length
        {
            (*last).left = 0;
        }
    }
}
