//! The short way for memory that a thread reads into again and again, and writes from.
//!
//! Entries do not overlap, so that the one whose place a thread remembers is all there is to know of
//! its memory, as long as it is still there: no set has to be searched.

use super::{
    chosen,
    evidence::relay_unchanged,
    table::{COPIED, Origin, Request, Set, WAYS, entry, set_at},
};
use crate::{content, lock, recency, sample};

/// Where an entry is: 0 where that is not known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(pub(crate) u32);

impl Place {
    /// The way of a set.
    #[inline(always)]
    pub(super) const fn of(index: u64, way: u64) -> Self {
        Self((index * WAYS as u64 + way) as u32 + 1)
    }

    #[inline(always)]
    const fn index(self) -> u64 {
        (self.0 as u64).wrapping_sub(1) / WAYS as u64
    }

    #[inline(always)]
    fn way(self) -> usize {
        sample::masked::<{ WAYS as u64 - 1 }>(u64::from(self.0).wrapping_sub(1))
    }
}

/// Puts the request's entry at `place` if what is there was read to the same memory; whether it was.
#[inline(always)]
pub(super) fn renew(place: Place, request: &Request) -> bool {
    if place == Place(0) {
        return false;
    }
    let Some(set) = set_at(place.index()) else {
        return false;
    };
    let way = place.way();
    if !lock::acquire(set.lock.as_ptr()) {
        return false;
    }
    let is_same = is_same_memory(set, way, request);
    if is_same {
        let content_slot = set.content_slot[way].get();
        if content_slot != entry!(request, content_slot) {
            content::forget(entry!(request, tag), content_slot, set.base[way].get());
            set.content_slot[way].set(entry!(request, content_slot));
        }
        let now = recency::stamp(set.clock.get());
        set.clock.set(now);
        set.stamp[way].set(now);
        set.start[way].set(entry!(request, start));
        set.thread[way].set(entry!(request, thread));
        set.file[way].set(entry!(request, file));
        set.samples[way][0].set(entry!(request, samples[0]));
        set.samples[way][1].set(entry!(request, samples[1]));
        set.samples[way][2].set(entry!(request, samples[2]));
        chosen::renewed(set, request, place.index(), way);
    }
    lock::release(set.lock.as_ptr());
    is_same
}

/// Whether the way has the memory of the request's entry, and nothing else of it was remembered since.
#[inline(always)]
fn is_same_memory(set: &Set, way: usize, request: &Request) -> bool {
    set.tag[way].get() == entry!(request, tag)
        && set.base[way].get() == entry!(request, base)
        && set.sampled_at[way].get() == entry!(request, sampled_at)
        && set.end[way].get() == entry!(request, end)
        && set.length[way].get() == entry!(request, length)
        && set.origin[way].get() == entry!(request, source)
}

/// Bit of an answer of [`relay_spend_at`]; below it is the entry's origin, in the upper half its file.
const SPENT_SOME: u64 = 0x100;

/// What a write of the front of an entry has spent.
pub(crate) struct Front {
    pub(crate) origin: Origin,
    /// Not what was read but a copy of it.
    pub(crate) copied: bool,
}

/// Spends the bytes from `address` up to `limit` of the entry at `place`, if that begins there, has
/// them all, is of `thread`, and its content is still what was read.
#[inline(always)]
pub(crate) fn spend_at(
    place: Place,
    tag: u64,
    thread: u32,
    address: u64,
    limit: u64,
) -> Option<Front> {
    let packed = u64::from(place.0) << 32 | u64::from(thread);
    let found = relay_spend_at(packed, tag, address, limit);
    (found & SPENT_SOME != 0).then_some(Front {
        origin: Origin {
            source: found as u8 & !COPIED,
            file: (found >> 32) as u32,
        },
        copied: found as u8 & COPIED != 0,
    })
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_spend_at(packed: u64, tag: u64, address: u64, limit: u64) -> u64 {
    let place = Place((packed >> 32) as u32);
    let Some(set) = set_at(place.index()) else {
        return 0;
    };
    let way = place.way();
    if set.start[way].get() != address || !lock::acquire(set.lock.as_ptr()) {
        return 0;
    }
    let mut found = 0;
    if set.tag[way].get() == tag
        && set.start[way].get() == address
        && set.end[way].get() >= limit
        && set.thread[way].get() == packed as u32
        && relay_unchanged(place.index(), way as u64, address, limit) != 0
    {
        let file = u64::from(set.file[way].get());
        found = SPENT_SOME | u64::from(set.origin[way].get()) | file << 32;
        chosen::front_spent(set, place.index(), way, address, limit);
        set.start[way].set(limit);
        if set.end[way].get() == limit {
            content::forget(tag, set.content_slot[way].get(), set.base[way].get());
            set.content_slot[way].set(0);
        }
    }
    lock::release(set.lock.as_ptr());
    found
}
