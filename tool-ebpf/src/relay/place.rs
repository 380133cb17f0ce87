//! Writing an entry into a way of a set.

use super::table::{COPIED, Entry, Set, WAYS, granule, is_free, request, set_at};
use crate::{content, opaque, recency, sample};

/// Age of a free way: older than any.
pub(super) const FREE: u64 = 1 << 32;

/// Where the memory that a way tells something of begins: before its interval, once that has shrunk.
#[inline(always)]
pub(super) fn sampled_start(set: &Set, way: usize) -> u64 {
    let (start, sampled_at) = (set.start[way].get(), set.sampled_at[way].get());
    if sampled_at < start {
        sampled_at
    } else {
        start
    }
}

/// Puts the request's entry into a free way of the set, which is locked, else into the oldest one;
/// gives the way.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn relay_place(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let now = recency::stamp(set.clock.get());
    opaque::set(&request.way, 0);
    opaque::set(&request.best, 0);
    for way in 0..WAYS {
        let age = if is_free(set, way) {
            FREE
        } else {
            u64::from(now.wrapping_sub(set.stamp[way].get()))
        };
        if age > opaque::get(&request.best) {
            opaque::set(&request.best, age);
            opaque::set(&request.way, way as u64);
        }
    }
    let best = opaque::get(&request.best);
    let way = sample::masked::<{ WAYS as u64 - 1 }>(opaque::get(&request.way));
    if best != FREE {
        recency::count_eviction(set.tag[way].get(), best as u32);
    }
    write(set, way, request.entry.get());
    way as u64
}

/// Puts the request's entry into this way of the set, which is locked, if the way is still free or its
/// entry still lies inside of the new one; else anywhere. Gives the way.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn relay_replace(index: u64, way: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let entry = request.entry.get();
    if way < WAYS as u64 {
        let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
        let tag = set.tag[way].get();
        let is_inside = tag == entry.tag
            && sampled_start(set, way) >= entry.start
            && set.end[way].get() <= entry.end;
        if is_inside {
            content::forget(tag, set.content_slot[way].get(), set.base[way].get());
        }
        if is_inside || is_free(set, way) {
            write(set, way, entry);
            return way as u64;
        }
    }
    relay_place(index)
}

/// Writes an entry into a way of a set that is locked.
#[inline(always)]
pub(super) fn write(set: &Set, way: usize, entry: Entry) {
    let now = recency::stamp(set.clock.get());
    set.clock.set(now);
    set.start[way].set(entry.start);
    set.end[way].set(entry.end);
    set.tag[way].set(entry.tag);
    set.base[way].set(entry.base);
    set.sampled_at[way].set(entry.sampled_at);
    set.length[way].set(entry.length);
    set.thread[way].set(entry.thread);
    set.content_slot[way].set(entry.content_slot);
    set.stamp[way].set(now);
    set.file[way].set(entry.file);
    set.samples[way][0].set(entry.samples[0]);
    set.samples[way][1].set(entry.samples[1]);
    set.samples[way][2].set(entry.samples[2]);
    set.origin[way].set(entry.source | if entry.copied { COPIED } else { 0 });
    note_crossing(set, way);
}

/// Notes whether the entry of a way reaches into the next granule.
#[inline(always)]
pub(super) fn note_crossing(set: &Set, way: usize) {
    let bit = 1 << way;
    let is_crossing = granule(set.end[way].get() - 1) != granule(set.base[way].get())
        || granule(set.sampled_at[way].get()) != granule(set.base[way].get());
    let others = set.crossing.get() & !bit;
    set.crossing
        .set(if is_crossing { others | bit } else { others });
}
