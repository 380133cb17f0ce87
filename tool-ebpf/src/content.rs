//! The content table: what was read, by fingerprint and length, to find copies of it.

use core::cell::Cell;

use aya_ebpf::{macros::map, maps::Array};

use crate::{recency, relay::Origin, sample};

/// Shorter buffers are not looked up by content: equality of so few bytes proves nothing.
pub(crate) const MIN_LENGTH: u64 = 32;

const SETS: u32 = 16_384;
const WAYS: usize = 4;

/// Reads whose fingerprints share a set. It has no lock: a torn slot does not match, since its tag
/// is taken away before, and given back after the rest is written.
#[repr(C)]
pub(crate) struct Set {
    /// Process and address space, 0 where the slot is free.
    tag: [Cell<u64>; WAYS],
    fingerprint: [Cell<u64>; WAYS],
    base: [Cell<u64>; WAYS],
    length: [Cell<u32>; WAYS],
    thread: [Cell<u32>; WAYS],
    /// [`recency::now`] of the read.
    stamp: [Cell<u32>; WAYS],
    /// [`Origin::file`]
    file: [Cell<u32>; WAYS],
    source: [Cell<u8>; WAYS],
    padding: [u8; 4],
}

const _: () = assert!(size_of::<Set>() == 168);

// SAFETY: see the type: what is read while it changes does not match.
unsafe impl Sync for Set {}

#[map]
static CONTENT: Array<Set> = Array::with_max_entries(SETS, 0);

/// A read whose content was found again.
pub(crate) struct Original {
    pub(crate) base: u64,
    pub(crate) thread: u32,
    pub(crate) origin: Origin,
}

#[inline(always)]
const fn index_of(tag: u64, fingerprint: u64) -> u32 {
    (sample::mix(tag ^ fingerprint) >> 32) as u32 & (SETS - 1)
}

#[inline(always)]
fn set_at(index: u32) -> Option<&'static Set> {
    // SAFETY: sets live in map values, which stay.
    CONTENT.get_ptr(index).map(|set| unsafe { &*set })
}

/// Remembers a read, and gives its slot plus 1.
#[inline(always)]
pub(crate) fn remember(
    tag: u64,
    fingerprint: u64,
    base: u64,
    length: u32,
    thread: u32,
    origin: Origin,
) -> u32 {
    // Thread ids have 22 bits at most (PID_MAX_LIMIT of include/linux/threads.h).
    let reader = u64::from(origin.file) << 32 | u64::from(thread << 8) | u64::from(origin.source);
    content_remember(tag, fingerprint, base, u64::from(length), reader) as u32
}

/// [`remember`], of a `reader` that is a file, a thread and a source.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn content_remember(
    tag: u64,
    fingerprint: u64,
    base: u64,
    length: u64,
    reader: u64,
) -> u64 {
    let index = index_of(tag, fingerprint);
    let Some(set) = set_at(index) else {
        return 0;
    };
    let now = recency::now();
    let way =
        sample::masked::<{ WAYS as u64 - 1 }>(content_way(u64::from(index), tag, fingerprint));
    let old = set.tag[way].get();
    if old != 0 && (old != tag || set.fingerprint[way].get() != fingerprint) {
        recency::count_eviction(old, now.wrapping_sub(set.stamp[way].get()));
    }
    publish(&set.tag[way], 0);
    set.fingerprint[way].set(fingerprint);
    set.base[way].set(base);
    set.length[way].set(length as u32);
    set.thread[way].set((reader >> 8) as u32 & 0xff_ffff);
    set.stamp[way].set(now);
    set.file[way].set((reader >> 32) as u32);
    set.source[way].set(reader as u8);
    publish(&set.tag[way], tag);
    u64::from(index) * WAYS as u64 + way as u64 + 1
}

/// The way of a set to remember a read in: where its equal is, else a free one, else the oldest.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn content_way(index: u64, tag: u64, fingerprint: u64) -> u64 {
    let Some(set) = set_at(index as u32) else {
        return 0;
    };
    let now = recency::now();
    let mut chosen = 0;
    let mut best = 0;
    for way in 0..WAYS {
        let old = set.tag[way].get();
        let age = if old == tag && set.fingerprint[way].get() == fingerprint {
            u64::MAX
        } else if old == 0 {
            u64::from(u32::MAX) + 1
        } else {
            u64::from(now.wrapping_sub(set.stamp[way].get()))
        };
        if age > best {
            best = age;
            chosen = way as u64;
        }
    }
    chosen
}

/// Writes a tag, after what was written before and before what is written later.
#[inline(always)]
fn publish(tag: &Cell<u64>, value: u64) {
    // SAFETY: the cell is valid; a volatile write keeps its place among the others.
    unsafe { tag.as_ptr().write_volatile(value) };
}

/// Finds, and forgets, the read with this content.
#[inline(always)]
pub(crate) fn take(tag: u64, fingerprint: u64, length: u32) -> Option<Original> {
    let set = set_at(index_of(tag, fingerprint))?;
    for way in 0..WAYS {
        if set.tag[way].get() == tag
            && set.fingerprint[way].get() == fingerprint
            && set.length[way].get() == length
        {
            set.tag[way].set(0);
            return Some(Original {
                base: set.base[way].get(),
                thread: set.thread[way].get(),
                origin: Origin {
                    source: set.source[way].get(),
                    file: set.file[way].get(),
                },
            });
        }
    }
    None
}

/// Forgets the read at `base` in `slot` (plus 1, as [`remember`] gave it).
#[inline(always)]
pub(crate) fn forget(tag: u64, slot: u32, base: u64) {
    if slot == 0 {
        return;
    }
    let slot = slot - 1;
    if let Some(set) = set_at((slot / WAYS as u32) & (SETS - 1)) {
        let way = slot as usize & (WAYS - 1);
        if set.tag[way].get() == tag && set.base[way].get() == base {
            set.tag[way].set(0);
        }
    }
}
