//! Remembering what was read, and making room for it in what was known of the memory.

use super::{
    again::Place,
    chosen,
    evidence::{relay_unchanged, relay_unchanged_beside},
    place::{relay_place, relay_replace, sampled_start},
    table::{
        CHUNK, Entry, WAYS, granule, has_crossing, index_of, is_free, relay_lock, request, set_at,
        unlock,
    },
};
use crate::{content, opaque, recency, sample};

/// Answers of [`relay_neighbours`].
const OVERLAPPING: u64 = 1;

const ADJACENT: u64 = 2;

const INSIDE: u64 = 4;

/// Remembers `entry`, and forgets what was in its memory before; gives its place.
#[inline(always)]
pub(crate) fn remember(entry: Entry) -> Place {
    let Some(request) = request() else {
        return Place(0);
    };
    request.entry.set(entry);
    chosen::choose();
    Place(relay_remember() as u32)
}

/// Like [`remember`], for a read whose content is remembered too: `content_slot` does that.
#[inline(always)]
pub(crate) fn remember_with_content(entry: Entry, content_slot: impl FnOnce() -> u32) -> Place {
    let Some(request) = request() else {
        return Place(0);
    };
    // First, so that the entry is not on the stack while the content is remembered.
    request.entry.set(entry);
    chosen::choose();
    let slot = content_slot();
    // SAFETY: the cell is valid for writes, and belongs to this CPU.
    unsafe { (*request.entry.as_ptr()).content_slot = slot };
    Place(relay_remember() as u32)
}

/// Remembers the request's entry; gives its [`Place`].
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_remember() -> u64 {
    let Some(request) = request() else {
        return 0;
    };
    let Entry {
        tag, start, end, ..
    } = request.entry.get();
    let first = granule(start);
    let before = index_of(tag, first.wrapping_sub(1));
    let own = index_of(tag, first);
    let in_own = relay_neighbours(own);
    let way = opaque::get(&request.way);
    let in_before = if has_crossing(before) {
        relay_neighbours(before)
    } else {
        0
    };
    if granule(end - 1) != first {
        let behind = index_of(tag, first + 1);
        trim(behind, relay_neighbours(behind));
    } else if in_own & (ADJACENT | OVERLAPPING) == 0 && in_before == 0 {
        // Nothing around it, or just the entry that it takes the place of.
        if relay_lock(own) == 0 {
            return 0;
        }
        let way = if relay_replace(own, way) != 0 {
            way
        } else {
            relay_place(own)
        };
        chosen::written(own, way);
        unlock(own);
        return u64::from(Place::of(own, way).0);
    }
    trim(before, in_before);
    trim(own, in_own);
    let adjacent = if in_own & ADJACENT != 0 { own } else { before };
    if (in_own | in_before) & ADJACENT != 0 && relay_append(adjacent) != 0 {
        return 0;
    }
    if relay_lock(own) == 0 {
        return 0;
    }
    let way = relay_place(own);
    chosen::written(own, way);
    unlock(own);
    u64::from(Place::of(own, way).0)
}

/// Takes the memory of the request's entry from a set with such neighbours.
#[inline(always)]
fn trim(index: u64, neighbours: u64) {
    if neighbours & (OVERLAPPING | INSIDE) != 0 && relay_lock(index) != 0 {
        let cut = relay_trim(index);
        if cut != 0 {
            relay_resample(index, cut);
        }
        unlock(index);
    }
}

/// What the set has around the request's entry. An entry that lies inside of it, and a free way where
/// there is none, are left in the request's `way`: the new one can have its place.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_neighbours(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let entry = request.entry.get();
    opaque::set(&request.found, 0);
    opaque::set(&request.way, WAYS as u64);
    for way in 0..WAYS {
        let found = opaque::get(&request.found);
        let tag = set.tag[way].get();
        if tag != entry.tag {
            if found & INSIDE == 0 && is_free(set, way) {
                opaque::set(&request.way, way as u64);
            }
            continue;
        }
        let (from, end) = (sampled_start(set, way), set.end[way].get());
        if end == entry.start {
            if !is_free(set, way) {
                opaque::set(&request.found, found | ADJACENT);
            }
        } else if from < entry.end && end > entry.start {
            if from >= entry.start && end <= entry.end && found & INSIDE == 0 {
                opaque::set(&request.found, found | INSIDE);
                opaque::set(&request.way, way as u64);
            } else {
                opaque::set(&request.found, found | OVERLAPPING);
            }
        }
    }
    let found = opaque::get(&request.found);
    if found & OVERLAPPING != 0 {
        found & !INSIDE
    } else {
        found
    }
}

/// Lets an entry of the set that ends where the request's begins grow by it: many small reads that
/// fill one buffer are one entry. 0 where there is none.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_append(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    if relay_lock(index) == 0 {
        return 0;
    }
    let way = relay_ends_at_entry(index);
    let mut appended = 0;
    if way < WAYS as u64 {
        let slot = sample::masked::<{ WAYS as u64 - 1 }>(way);
        let (start, end) = (set.start[slot].get(), request.entry.get().end);
        let length = (end - start) as u32;
        if relay_unchanged(index, way, start, request.entry.get().start) != 0
            && let Some(samples) = sample::of(start, u64::from(length))
        {
            set.end[slot].set(end);
            set.sampled_at[slot].set(start);
            set.length[slot].set(length);
            set.base[slot].set(request.entry.get().base);
            set.thread[slot].set(request.entry.get().thread);
            set.content_slot[slot].set(request.entry.get().content_slot);
            set.samples[slot][0].set(samples[0]);
            set.samples[slot][1].set(samples[1]);
            set.samples[slot][2].set(samples[2]);
            set.stamp[slot].set(recency::stamp(set.clock.get()));
            set.crossing.set(set.crossing.get() | 1 << slot);
            chosen::appended(index, way);
            appended = 1;
        }
    }
    unlock(index);
    appended
}

/// The way of the set that the request's entry can be appended to, or more than there are.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_ends_at_entry(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return WAYS as u64;
    };
    let entry = request.entry.get();
    let mut found = WAYS as u64;
    for way in 0..WAYS {
        if set.tag[way].get() == entry.tag
            && set.end[way].get() == entry.start
            && !is_free(set, way)
            && set.origin[way].get() == entry.source
            && set.file[way].get() == entry.file
            && set.sampled_at[way].get() + u64::from(set.length[way].get()) == entry.start
            && entry.end - set.start[way].get() <= CHUNK
        {
            found = way as u64;
        }
    }
    found
}

/// Takes the memory of the request's entry from the intervals of the set, which is locked. Gives a bit
/// for each way that is left with other memory than it has samples of.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_trim(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let entry = request.entry.get();
    opaque::set(&request.found, 0);
    for way in 0..WAYS {
        let cut = opaque::get(&request.found);
        let (start, end) = (set.start[way].get(), set.end[way].get());
        if set.tag[way].get() != entry.tag {
            continue;
        }
        if start >= entry.end || end <= entry.start {
            if sampled_start(set, way) < entry.end && end > entry.start {
                if is_free(set, way) {
                    set.tag[way].set(0);
                } else {
                    opaque::set(&request.found, cut | 1 << way);
                }
            }
            continue;
        }
        if start < entry.start {
            set.end[way].set(entry.start);
            opaque::set(&request.found, cut | 1 << way);
        } else if end > entry.end {
            set.start[way].set(entry.end);
            opaque::set(&request.found, cut | 1 << way);
        } else {
            set.tag[way].set(0);
            // The content of the new entry may be that of the old one, in the same place.
            if set.content_slot[way].get() != entry.content_slot {
                content::forget(entry.tag, set.content_slot[way].get(), set.base[way].get());
            }
        }
    }
    opaque::get(&request.found)
}

/// Samples what is left of some ways (bits of `cut`) of the set, which is locked. A way one of whose
/// samples outside of the request's entry has changed is freed instead.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_resample(index: u64, cut: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let entry = request.entry.get();
    opaque::set(&request.found, cut);
    for way in 0..WAYS {
        if opaque::get(&request.found) & (1 << way) == 0 {
            continue;
        }
        let (start, end) = (set.start[way].get(), set.end[way].get());
        if relay_unchanged_beside(index, way as u64, entry.start, entry.end) != 0
            && let Some(samples) = sample::of(start, end - start)
        {
            set.sampled_at[way].set(start);
            set.length[way].set((end - start) as u32);
            set.samples[way][0].set(samples[0]);
            set.samples[way][1].set(samples[1]);
            set.samples[way][2].set(samples[2]);
        } else {
            set.tag[way].set(0);
        }
    }
    0
}
