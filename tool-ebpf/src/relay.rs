//! The relay table: which user memory holds bytes that were read, and from where.
//!
//! A set-associative table. A read of up to [`CHUNK`] bytes is one entry (longer ones are several)
//! in the set of its first address' granule, so that an address is found with two look-ups: in its
//! own granule's set and in the one before. An entry keeps the interval of its bytes that were not
//! written yet; it shrinks as they are, and dies with the last one, with the next read into the
//! same memory, or when its content has changed.

use core::cell::Cell;

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray},
};
use copytax_common::LossCounter;

use crate::{
    content, lock, loss, opaque, recency,
    sample::{self, SAMPLES},
};

/// Bytes of the longest entry, and of a granule.
pub(crate) const CHUNK: u64 = 1 << GRANULE_SHIFT;
const GRANULE_SHIFT: u64 = 16;

const SETS: u32 = 4_096;
const WAYS: usize = 8;

/// Age of a free way: older than any.
const FREE: u64 = 1 << 32;

/// No [`copytax_common::EndpointKind`] has this bit.
const COPIED: u8 = 0x80;

/// One set. The tags, which every look-up compares, are one cache line.
#[repr(C)]
pub(crate) struct Set {
    /// [`Entry::tag`], 0 where the way is free.
    tag: [Cell<u64>; WAYS],
    start: [Cell<u64>; WAYS],
    end: [Cell<u64>; WAYS],
    base: [Cell<u64>; WAYS],
    sampled_at: [Cell<u64>; WAYS],
    length: [Cell<u32>; WAYS],
    thread: [Cell<u32>; WAYS],
    content_slot: [Cell<u32>; WAYS],
    /// [`recency::stamp`] of the entry.
    stamp: [Cell<u32>; WAYS],
    samples: [[Cell<u32>; SAMPLES]; WAYS],
    /// [`Entry::source`], with [`COPIED`] where [`Entry::copied`].
    origin: [Cell<u8>; WAYS],
    /// The last stamp given.
    clock: Cell<u32>,
    /// A bit for each way whose entry reaches into the next granule.
    crossing: Cell<u32>,
    lock: Cell<u64>,
}

const _: () = assert!(size_of::<Set>() == 568);

// SAFETY: changes are made under `lock`; what is read without it is only a hint.
unsafe impl Sync for Set {}

#[map]
static RELAY: Array<Set> = Array::with_max_entries(SETS, 0);

/// Bytes that were read into memory.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Process and address space, never 0.
    pub(crate) tag: u64,
    /// First address not yet written.
    pub(crate) start: u64,
    /// End of the bytes not yet written.
    pub(crate) end: u64,
    /// Where the read began; where several are one entry, the last of them.
    pub(crate) base: u64,
    /// Where the sampled bytes begin, and how many they are.
    pub(crate) sampled_at: u64,
    pub(crate) length: u32,
    /// Thread that read.
    pub(crate) thread: u32,
    /// Slot in the content table plus 1, or 0.
    pub(crate) content_slot: u32,
    pub(crate) samples: [u32; SAMPLES],
    /// [`copytax_common::EndpointKind`]
    pub(crate) source: u8,
    /// Not what was read but a copy of it: the rest of a short write.
    pub(crate) copied: bool,
}

/// A run of bytes that were read and are now written.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) length: u64,
    pub(crate) base: u64,
    pub(crate) thread: u32,
    pub(crate) content_slot: u32,
    pub(crate) source: u8,
    pub(crate) copied: bool,
    /// The whole entry is spent: what else remembers the read must forget it.
    pub(crate) spent: bool,
}

/// What a look-up found at an address.
pub(crate) enum Found {
    /// Bytes that were read and are unchanged.
    Piece(Piece),
    /// Nothing, up to this address.
    Gap(u64),
}

/// Arguments and results of the global functions below, which take scalars only.
///
/// A function that holds this calls others that change it, hence the cells.
#[repr(C)]
pub(crate) struct Request {
    /// What to remember.
    pub(crate) entry: Cell<Entry>,
    /// What was found.
    pub(crate) piece: Cell<Piece>,
    /// Who writes, from where, up to where.
    tag: Cell<u64>,
    address: Cell<u64>,
    limit: Cell<u64>,
    /// First address behind `address` that may be remembered.
    next: Cell<u64>,
    /// Variables of loops, see [`opaque`].
    way: Cell<u64>,
    best: Cell<u64>,
    before: Cell<u64>,
    behind: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Request {}

#[map]
static REQUEST: PerCpuArray<Request> = PerCpuArray::with_max_entries(1, 0);

/// This CPU's [`Request`].
#[inline(always)]
pub(crate) fn request() -> Option<&'static Request> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    REQUEST.get_ptr(0).map(|request| unsafe { &*request })
}

#[inline(always)]
const fn granule(address: u64) -> u64 {
    address >> GRANULE_SHIFT
}

#[inline(always)]
const fn index_of(tag: u64, granule: u64) -> u64 {
    sample::mix(tag ^ granule.wrapping_mul(0xff51_afd7_ed55_8ccd)) >> 32 & (SETS - 1) as u64
}

/// The set at `index`. What is read from it without its lock is a hint.
#[inline(always)]
fn set_at(index: u64) -> Option<&'static Set> {
    // SAFETY: sets live in map values, which stay; fields are plain integers, changed under the
    // set's lock.
    RELAY.get_ptr(index as u32).map(|set| unsafe { &*set })
}

/// Answers of [`relay_neighbours`].
const OVERLAPPING: u64 = 1;
const ADJACENT: u64 = 2;
const INSIDE: u64 = 4;

/// Remembers `entry`, and forgets what was in its memory before.
#[inline(always)]
pub(crate) fn remember(entry: Entry) {
    if let Some(request) = request() {
        request.entry.set(entry);
        relay_remember();
    }
}

/// Remembers the request's entry.
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
        if relay_lock(own) != 0 {
            relay_replace(own, way);
            unlock(own);
        }
        return 0;
    }
    trim(before, in_before);
    trim(own, in_own);
    let adjacent = if in_own & ADJACENT != 0 { own } else { before };
    if (in_own | in_before) & ADJACENT != 0 && append(adjacent) {
        return 0;
    }
    if relay_lock(own) != 0 {
        relay_place(own);
        unlock(own);
    }
    0
}

/// Whether an entry of the set may reach into the next granule.
#[inline(always)]
fn has_crossing(index: u64) -> bool {
    set_at(index).is_some_and(|set| set.crossing.get() != 0)
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

/// Takes the lock of a set.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_lock(index: u64) -> u64 {
    set_at(index).map_or(0, |set| u64::from(lock::acquire(set.lock.as_ptr())))
}

#[inline(always)]
fn unlock(index: u64) {
    if let Some(set) = set_at(index) {
        lock::release(set.lock.as_ptr());
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
    let mut found = 0;
    opaque::set(&request.way, WAYS as u64);
    for way in 0..WAYS {
        let tag = set.tag[way].get();
        if tag != entry.tag {
            if tag == 0 && found & INSIDE == 0 {
                opaque::set(&request.way, way as u64);
            }
            continue;
        }
        let (from, end) = (sampled_start(set, way), set.end[way].get());
        if end == entry.start {
            found |= ADJACENT;
        } else if from < entry.end && end > entry.start {
            if from >= entry.start && end <= entry.end && found & INSIDE == 0 {
                found |= INSIDE;
                opaque::set(&request.way, way as u64);
            } else {
                found |= OVERLAPPING;
            }
        }
    }
    if found & OVERLAPPING != 0 && found & INSIDE != 0 {
        found &= !INSIDE;
    }
    found
}

/// Lets an entry of the set that ends where the request's begins grow by it: many small reads that
/// fill one buffer are one entry.
#[inline(always)]
fn append(index: u64) -> bool {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return false;
    };
    if relay_lock(index) == 0 {
        return false;
    }
    let way = relay_ends_at_entry(index);
    let mut appended = false;
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
            appended = true;
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
            && set.origin[way].get() == entry.source
            && set.sampled_at[way].get() + u64::from(set.length[way].get()) == entry.start
            && entry.end - set.start[way].get() <= CHUNK
        {
            found = way as u64;
        }
    }
    found
}

/// Where the memory that a way tells something of begins: before its interval, once that has shrunk.
#[inline(always)]
fn sampled_start(set: &Set, way: usize) -> u64 {
    let (start, sampled_at) = (set.start[way].get(), set.sampled_at[way].get());
    if sampled_at < start {
        sampled_at
    } else {
        start
    }
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
    let mut cut = 0;
    for way in 0..WAYS {
        let (start, end) = (set.start[way].get(), set.end[way].get());
        if set.tag[way].get() != entry.tag {
            continue;
        }
        if start >= entry.end || end <= entry.start {
            if sampled_start(set, way) < entry.end && end > entry.start {
                cut |= 1 << way;
            }
            continue;
        }
        if start < entry.start {
            set.end[way].set(entry.start);
            cut |= 1 << way;
        } else if end > entry.end {
            set.start[way].set(entry.end);
            cut |= 1 << way;
        } else {
            set.tag[way].set(0);
            content::forget(entry.tag, set.content_slot[way].get(), set.base[way].get());
        }
    }
    cut
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
    for way in 0..WAYS {
        if cut & (1 << way) == 0 {
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

/// Whether the sampled runs of a way that do not overlap the memory from `from` to `to` are as they
/// were read.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_unchanged_beside(index: u64, way: u64, from: u64, to: u64) -> u64 {
    let Some(set) = set_at(index) else {
        return 0;
    };
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    for run in 0..SAMPLES {
        let (offset, size) = sample::run(run, set.length[way].get());
        let at = set.sampled_at[way].get() + u64::from(offset);
        let is_beside = at >= to || at + u64::from(size) <= from;
        if size != 0 && is_beside && !is_unchanged(set, way, run) {
            return 0;
        }
    }
    1
}

/// Puts the request's entry into a free way of the set, which is locked, else into the oldest one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_place(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let now = recency::stamp(set.clock.get());
    opaque::set(&request.way, 0);
    opaque::set(&request.best, 0);
    for way in 0..WAYS {
        let age = if set.tag[way].get() == 0 {
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
    0
}

/// Puts the request's entry into this way of the set, which is locked, if the way is still free or its
/// entry still lies inside of the new one; else anywhere.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_replace(index: u64, way: u64) -> u64 {
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
        if is_inside || tag == 0 {
            write(set, way, entry);
            return 0;
        }
    }
    relay_place(index)
}

/// Writes an entry into a way of a set that is locked.
#[inline(always)]
fn write(set: &Set, way: usize, entry: Entry) {
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
    set.samples[way][0].set(entry.samples[0]);
    set.samples[way][1].set(entry.samples[1]);
    set.samples[way][2].set(entry.samples[2]);
    set.origin[way].set(entry.source | if entry.copied { COPIED } else { 0 });
    note_crossing(set, way);
}

/// Notes whether the entry of a way reaches into the next granule.
#[inline(always)]
fn note_crossing(set: &Set, way: usize) {
    let bit = 1 << way;
    let is_crossing = granule(set.end[way].get() - 1) != granule(set.base[way].get())
        || granule(set.sampled_at[way].get()) != granule(set.base[way].get());
    let others = set.crossing.get() & !bit;
    set.crossing
        .set(if is_crossing { others | bit } else { others });
}

/// Looks up, and spends, bytes that are written from `address` on, at most up to `limit`.
#[inline(always)]
pub(crate) fn spend(tag: u64, address: u64, limit: u64) -> Found {
    let Some(request) = request() else {
        return Found::Gap(limit);
    };
    let own = granule(address);
    let granule_end = (own + 1) << GRANULE_SHIFT;
    request.tag.set(tag);
    request.address.set(address);
    request.limit.set(limit);
    request.next.set(if limit < granule_end {
        limit
    } else {
        granule_end
    });
    if relay_spend(index_of(tag, own)) != 0 || relay_spend(index_of(tag, own.wrapping_sub(1))) != 0
    {
        return Found::Piece(request.piece.get());
    }
    Found::Gap(request.next.get())
}

/// What is known of a whole write.
pub(crate) enum Whole {
    /// It is one piece of a read, which is spent now.
    Piece(Piece),
    /// None of it was read to where it is.
    Nothing,
    /// Something else, or it has to be looked at more closely.
    Undecided,
}

/// Looks a whole write up, and spends it if it is one piece.
#[inline(always)]
pub(crate) fn spend_whole(tag: u64, address: u64, limit: u64) -> Whole {
    match relay_spend_whole(tag, address, limit) {
        PIECE => request().map_or(Whole::Undecided, |request| {
            Whole::Piece(request.piece.get())
        }),
        NOTHING => Whole::Nothing,
        _ => Whole::Undecided,
    }
}

/// Answers of [`relay_spend_whole`].
const UNDECIDED: u64 = 0;
const PIECE: u64 = 1;
const NOTHING: u64 = 2;

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_spend_whole(tag: u64, address: u64, limit: u64) -> u64 {
    let Some(request) = request() else {
        return UNDECIDED;
    };
    let own = granule(address);
    let index = index_of(tag, own);
    request.tag.set(tag);
    request.address.set(address);
    request.limit.set(limit);
    request.next.set(limit);
    let way = relay_find(index);
    if way >= WAYS as u64 {
        let is_alone = request.next.get() == limit
            && granule(limit - 1) == own
            && !has_crossing(index_of(tag, own.wrapping_sub(1)));
        return if is_alone { NOTHING } else { UNDECIDED };
    }
    let is_whole = set_at(index)
        .is_some_and(|set| set.end[sample::masked::<{ WAYS as u64 - 1 }>(way)].get() >= limit);
    if !is_whole || relay_lock(index) == 0 {
        return UNDECIDED;
    }
    let found = relay_take(index, way);
    unlock(index);
    if found != 0 { PIECE } else { UNDECIDED }
}

/// Spends bytes of an entry of the set that covers the request's address.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_spend(index: u64) -> u64 {
    let way = relay_find(index);
    if way >= WAYS as u64 || relay_lock(index) == 0 {
        return 0;
    }
    let found = relay_take(index, way);
    unlock(index);
    found
}

/// The way that covers the request's address, or more than there are; then `next` is lowered to
/// the first remembered address behind it.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_find(index: u64) -> u64 {
    let mut covering = WAYS as u64;
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return covering;
    };
    for way in 0..WAYS {
        if set.tag[way].get() != request.tag.get() {
            continue;
        }
        let start = set.start[way].get();
        if start <= request.address.get() {
            if request.address.get() < set.end[way].get() {
                covering = way as u64;
            }
        } else if start < request.next.get() {
            request.next.set(start);
        }
    }
    covering
}

/// Takes what is written out of a way of the set, which is locked, if its content is still what was
/// read.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_take(index: u64, way: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let slot = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let address = request.address.get();
    let (start, end) = (set.start[slot].get(), set.end[slot].get());
    if set.tag[slot].get() != request.tag.get() || start > address || address >= end {
        return 0;
    }
    let piece_end = if request.limit.get() < end {
        request.limit.get()
    } else {
        end
    };
    if relay_unchanged(index, way, address, piece_end) == 0 {
        set.tag[slot].set(0);
        return 0;
    }
    let piece = Piece {
        length: piece_end - address,
        base: set.base[slot].get(),
        thread: set.thread[slot].get(),
        content_slot: set.content_slot[slot].get(),
        source: set.origin[slot].get() & !COPIED,
        copied: set.origin[slot].get() & COPIED != 0,
        spent: address == start && piece_end == end,
    };
    request.piece.set(piece);
    if address == start {
        set.start[slot].set(piece_end);
        if piece_end == end {
            set.tag[slot].set(0);
        }
        return 1;
    }
    set.end[slot].set(address);
    if piece_end != end {
        let rest = Entry {
            tag: request.tag.get(),
            start: piece_end,
            end,
            base: set.base[slot].get(),
            sampled_at: set.sampled_at[slot].get(),
            length: set.length[slot].get(),
            thread: set.thread[slot].get(),
            content_slot: set.content_slot[slot].get(),
            samples: [
                set.samples[slot][0].get(),
                set.samples[slot][1].get(),
                set.samples[slot][2].get(),
            ],
            source: piece.source,
            copied: piece.copied,
        };
        request.entry.set(rest);
        relay_place(index);
    }
    1
}

/// No sampled run.
const NO_RUN: u64 = SAMPLES as u64;

/// Whether the sampled runs of a way that lie between `from` and `to` are as they were read. For a
/// piece without any: whether the nearest runs on both sides are, as far as there are any.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_unchanged(index: u64, way: u64, from: u64, to: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let (base, length) = (set.sampled_at[way].get(), set.length[way].get());
    if length <= sample::SAMPLE_LEN && from <= base && base + u64::from(length) <= to {
        return u64::from(is_unchanged(set, way, 0));
    }
    let mut inside = false;
    opaque::set(&request.before, NO_RUN);
    opaque::set(&request.behind, NO_RUN);
    for run in 0..SAMPLES {
        let (offset, size) = sample::run(run, length);
        let at = base + u64::from(offset);
        let run_end = at + u64::from(size);
        if size == 0 {
            continue;
        }
        if at >= from && run_end <= to {
            inside = true;
            if !is_unchanged(set, way, run) {
                return 0;
            }
        } else if run_end <= from {
            opaque::set(&request.before, run as u64);
        } else if opaque::get(&request.behind) == NO_RUN {
            opaque::set(&request.behind, run as u64);
        }
    }
    if inside {
        return 1;
    }
    let is_proved = is_neighbour_unchanged(set, way, opaque::get(&request.before))
        && is_neighbour_unchanged(set, way, opaque::get(&request.behind));
    u64::from(is_proved)
}

#[inline(always)]
fn is_neighbour_unchanged(set: &Set, way: usize, run: u64) -> bool {
    run >= NO_RUN || is_unchanged(set, way, run as usize)
}

#[inline(always)]
fn is_unchanged(set: &Set, way: usize, run: usize) -> bool {
    let (offset, size) = sample::run(run, set.length[way].get());
    let address = set.sampled_at[way].get() + u64::from(offset);
    matches(address, size, set.samples[way][run].get())
}

#[inline(always)]
fn matches(address: u64, length: u32, expected: u32) -> bool {
    let hash = sample::hash_at(address, u64::from(length));
    if hash == sample::UNREADABLE {
        loss::count(LossCounter::ContentUnreadable);
        return false;
    }
    hash == u64::from(expected)
}

/// Forgets the entries of `tag` whose read began at `base`: their bytes were written from elsewhere.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn relay_forget(tag: u64, base: u64) -> u64 {
    let index = index_of(tag, granule(base));
    let Some(set) = set_at(index) else {
        return 0;
    };
    if relay_lock(index) != 0 {
        for way in 0..WAYS {
            if set.tag[way].get() == tag && set.base[way].get() == base {
                set.tag[way].set(0);
            }
        }
        unlock(index);
    }
    0
}

impl Entry {
    /// An entry for bytes just read.
    #[inline(always)]
    pub(crate) const fn fresh(
        tag: u64,
        address: u64,
        length: u32,
        thread: u32,
        source: u8,
        samples: [u32; SAMPLES],
    ) -> Self {
        Self {
            tag,
            start: address,
            end: address + length as u64,
            base: address,
            sampled_at: address,
            length,
            thread,
            content_slot: 0,
            samples,
            source,
            copied: false,
        }
    }
}
