//! Writing an entry into a way of a set.

use super::table::{COPIED, Request, Set, WAYS, entry, granule, is_free, request, set_at};
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
    write(set, way, request);
    way as u64
}

/// Puts the request's entry into this way of the set, which is locked, if the way is still free or its
/// entry still lies inside of the new one; 0 if not.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn relay_replace(index: u64, way: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    if way < WAYS as u64 {
        let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
        let tag = set.tag[way].get();
        let is_inside = tag == entry!(request, tag)
            && sampled_start(set, way) >= entry!(request, start)
            && set.end[way].get() <= entry!(request, end);
        if is_inside {
            content::forget(tag, set.content_slot[way].get(), set.base[way].get());
        }
        if is_inside || is_free(set, way) {
            write(set, way, request);
            return 1;
        }
    }
    0
}

/// Writes the request's entry into a way of a set that is locked.
#[inline(always)]
fn write(set: &Set, way: usize, request: &Request) {
    let now = recency::stamp(set.clock.get());
    set.clock.set(now);
    set.start[way].set(entry!(request, start));
    set.end[way].set(entry!(request, end));
    set.tag[way].set(entry!(request, tag));
    set.base[way].set(entry!(request, base));
    set.sampled_at[way].set(entry!(request, sampled_at));
    set.length[way].set(entry!(request, length));
    set.thread[way].set(entry!(request, thread));
    set.content_slot[way].set(entry!(request, content_slot));
    set.stamp[way].set(now);
    set.file[way].set(entry!(request, file));
    set.samples[way][0].set(entry!(request, samples[0]));
    set.samples[way][1].set(entry!(request, samples[1]));
    set.samples[way][2].set(entry!(request, samples[2]));
    set.origin[way].set(entry!(request, source) | if entry!(request, copied) { COPIED } else { 0 });
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
