//! The relay table: which user memory holds bytes that were read, and from where.
//!
//! A set-associative table. A read of up to [`CHUNK`] bytes is one entry (longer ones are several)
//! in the set of its first address' granule, so that an address is found with two look-ups: in its
//! own granule's set and in the one before. An entry keeps the interval of its bytes that were not
//! written yet; it shrinks as they are, and dies with the last one, with the next read into the
//! same memory, or when its content has changed.

use aya_ebpf::{
    macros::map,
    maps::{Array, PerCpuArray},
};
use copytax_common::LossCounter;

use crate::{
    content, lock, loss, recency,
    sample::{self, SAMPLES},
};

/// Bytes of the longest entry, and of a granule.
pub(crate) const CHUNK: u64 = 1 << GRANULE_SHIFT;
const GRANULE_SHIFT: u64 = 16;

const SETS: u32 = 8_192;
const WAYS: usize = 4;

/// No [`copytax_common::EndpointKind`] has this bit.
const COPIED: u8 = 0x80;

/// One set. The fields that every look-up compares share two cache lines.
#[repr(C)]
pub(crate) struct Set {
    start: [u64; WAYS],
    end: [u64; WAYS],
    /// [`Owner::tag`], 0 where the way is free.
    tag: [u64; WAYS],
    base: [u64; WAYS],
    sampled_at: [u64; WAYS],
    length: [u32; WAYS],
    thread: [u32; WAYS],
    content_slot: [u32; WAYS],
    /// [`recency::stamp`] of the entry.
    stamp: [u32; WAYS],
    samples: [[u32; SAMPLES]; WAYS],
    /// [`Entry::source`], with [`COPIED`] where [`Entry::copied`].
    origin: [u8; WAYS],
    clock: u32,
    lock: u64,
}

const _: () = assert!(size_of::<Set>() == 288);

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

/// Arguments and results of the global functions below, which take scalars only.
#[repr(C)]
pub(crate) struct Request {
    /// What to remember.
    pub(crate) entry: Entry,
    /// What was found.
    pub(crate) piece: Piece,
    /// Who writes, from where, up to where.
    tag: u64,
    address: u64,
    limit: u64,
    /// First address behind `address` that may be remembered.
    next: u64,
}

#[map]
static REQUEST: PerCpuArray<Request> = PerCpuArray::with_max_entries(1, 0);

/// This CPU's [`Request`].
#[inline(always)]
pub(crate) fn request() -> Option<&'static mut Request> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    REQUEST.get_ptr_mut(0).map(|request| unsafe { &mut *request })
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
fn set_at(index: u64) -> Option<&'static mut Set> {
    // SAFETY: sets live in map values, which stay; fields are plain integers, changed under the
    // set's lock.
    RELAY.get_ptr_mut(index as u32).map(|set| unsafe { &mut *set })
}

/// Answers of [`relay_neighbours`].
const OVERLAPPING: u64 = 1;
const ADJACENT: u64 = 2;

/// Remembers the entry in `request`, and forgets what was in its memory before.
#[inline(always)]
pub(crate) fn remember(request: &mut Request) {
    let Entry { tag, start, end, .. } = request.entry;
    let first = granule(start);
    let before = index_of(tag, first.wrapping_sub(1));
    let own = index_of(tag, first);
    let in_own = relay_neighbours(own);
    let in_before = relay_neighbours(before);
    trim(before, in_before);
    if granule(end - 1) != first {
        let behind = index_of(tag, first + 1);
        trim(behind, relay_neighbours(behind));
    }
    trim(own, in_own);
    if (in_own & ADJACENT != 0 && relay_append(own) != 0)
        || (in_before & ADJACENT != 0 && relay_append(before) != 0)
    {
        return;
    }
    if relay_lock(own) != 0 {
        relay_place(own);
        unlock(own);
    }
}

/// Takes the memory of the request's entry from a set with such neighbours.
#[inline(always)]
fn trim(index: u64, neighbours: u64) {
    if neighbours & OVERLAPPING != 0 && relay_lock(index) != 0 {
        relay_trim(index);
        unlock(index);
    }
}

/// Takes the lock of a set.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_lock(index: u64) -> u64 {
    set_at(index).map_or(0, |set| u64::from(lock::acquire(&raw mut set.lock)))
}

#[inline(always)]
fn unlock(index: u64) {
    if let Some(set) = set_at(index) {
        lock::release(&raw mut set.lock);
    }
}

/// Whether the set has an entry in the memory of the request's, or one that ends where it begins.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_neighbours(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let entry = &request.entry;
    let mut found = 0;
    for way in 0..WAYS {
        if set.tag[way] != entry.tag {
            continue;
        }
        if set.end[way] == entry.start {
            found |= ADJACENT;
        } else if set.start[way] < entry.end && set.end[way] > entry.start {
            found |= OVERLAPPING;
        }
    }
    found
}

/// Lets an entry of the set that ends where the request's begins grow by it: many small reads that
/// fill one buffer are one entry.
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
        let slot = way as usize & (WAYS - 1);
        let (start, end) = (set.start[slot], request.entry.end);
        let length = (end - start) as u32;
        if relay_unchanged(index, way, start, request.entry.start) != 0
            && let Some(samples) = sample::of(start, length)
        {
            set.end[slot] = end;
            set.sampled_at[slot] = start;
            set.length[slot] = length;
            set.base[slot] = request.entry.base;
            set.thread[slot] = request.entry.thread;
            set.content_slot[slot] = request.entry.content_slot;
            set.samples[slot][0] = samples[0];
            set.samples[slot][1] = samples[1];
            set.samples[slot][2] = samples[2];
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
    let entry = &request.entry;
    let mut found = WAYS as u64;
    for way in 0..WAYS {
        if set.tag[way] == entry.tag
            && set.end[way] == entry.start
            && set.origin[way] == entry.source
            && set.sampled_at[way] + u64::from(set.length[way]) == entry.start
            && entry.end - set.start[way] <= CHUNK
        {
            found = way as u64;
        }
    }
    found
}

/// Takes the memory of the request's entry from the intervals of the set, which is locked.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_trim(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let entry = &request.entry;
    for way in 0..WAYS {
        let (start, end) = (set.start[way], set.end[way]);
        if set.tag[way] != entry.tag || start >= entry.end || end <= entry.start {
            continue;
        }
        if start < entry.start {
            set.end[way] = entry.start;
        } else if end > entry.end {
            set.start[way] = entry.end;
        } else {
            set.tag[way] = 0;
            content::forget(entry.tag, set.content_slot[way], set.base[way]);
        }
    }
    0
}

/// Puts the request's entry into a free way of the set, which is locked, else into the oldest one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_place(index: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let clock = set.clock.wrapping_add(1);
    set.clock = clock;
    let now = recency::stamp(clock);
    let mut chosen = 0;
    let mut best = 0;
    for way in 0..WAYS {
        let age = if set.tag[way] == 0 {
            u32::MAX
        } else {
            now.wrapping_sub(set.stamp[way])
        };
        if age > best {
            best = age;
            chosen = way;
        }
    }
    let entry = &request.entry;
    let way = chosen & (WAYS - 1);
    if best != u32::MAX {
        recency::count_eviction(set.tag[way], best);
    }
    set.start[way] = entry.start;
    set.end[way] = entry.end;
    set.tag[way] = entry.tag;
    set.base[way] = entry.base;
    set.sampled_at[way] = entry.sampled_at;
    set.length[way] = entry.length;
    set.thread[way] = entry.thread;
    set.content_slot[way] = entry.content_slot;
    set.stamp[way] = now;
    set.samples[way][0] = entry.samples[0];
    set.samples[way][1] = entry.samples[1];
    set.samples[way][2] = entry.samples[2];
    set.origin[way] = entry.source | if entry.copied { COPIED } else { 0 };
    0
}

/// Looks up, and spends, bytes that are written from `address` on, at most up to `limit`.
///
/// `None` means that the request's piece was found; else nothing is remembered up to the address.
#[inline(always)]
pub(crate) fn spend(request: &mut Request, tag: u64, address: u64, limit: u64) -> Option<u64> {
    let own = granule(address);
    let granule_end = (own + 1) << GRANULE_SHIFT;
    request.tag = tag;
    request.address = address;
    request.limit = limit;
    request.next = if limit < granule_end { limit } else { granule_end };
    if relay_spend(index_of(tag, own)) != 0 || relay_spend(index_of(tag, own.wrapping_sub(1))) != 0 {
        return None;
    }
    Some(request.next)
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
        if set.tag[way] != request.tag {
            continue;
        }
        let start = set.start[way];
        if start <= request.address {
            if request.address < set.end[way] {
                covering = way as u64;
            }
        } else if start < request.next {
            request.next = start;
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
    let slot = way as usize & (WAYS - 1);
    let address = request.address;
    let (start, end) = (set.start[slot], set.end[slot]);
    if set.tag[slot] != request.tag || start > address || address >= end {
        return 0;
    }
    let piece_end = if request.limit < end { request.limit } else { end };
    if relay_unchanged(index, way, address, piece_end) == 0 {
        set.tag[slot] = 0;
        return 0;
    }
    request.piece = Piece {
        length: piece_end - address,
        base: set.base[slot],
        thread: set.thread[slot],
        content_slot: set.content_slot[slot],
        source: set.origin[slot] & !COPIED,
        copied: set.origin[slot] & COPIED != 0,
        spent: address == start && piece_end == end,
    };
    if address == start {
        set.start[slot] = piece_end;
        if piece_end == end {
            set.tag[slot] = 0;
        }
        return 1;
    }
    set.end[slot] = address;
    if piece_end != end {
        request.entry = Entry {
            tag: request.tag,
            start: piece_end,
            end,
            base: set.base[slot],
            sampled_at: set.sampled_at[slot],
            length: set.length[slot],
            thread: set.thread[slot],
            content_slot: set.content_slot[slot],
            samples: set.samples[slot],
            source: request.piece.source,
            copied: request.piece.copied,
        };
        relay_place(index);
    }
    1
}

/// Whether the sampled runs of a way that lie between `from` and `to` are as they were read; for a
/// piece without any, whether the next run behind its start is.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_unchanged(index: u64, way: u64, from: u64, to: u64) -> u64 {
    let Some(set) = set_at(index) else {
        return 0;
    };
    let way = way as usize & (WAYS - 1);
    let (base, length) = (set.sampled_at[way], set.length[way]);
    let mut inside = false;
    let mut fallback = SAMPLES;
    for run in 0..SAMPLES {
        let (offset, size) = sample::run(run, length);
        let at = base + u64::from(offset);
        let run_end = at + u64::from(size);
        if size == 0 {
            continue;
        }
        if at >= from && run_end <= to {
            inside = true;
            if !matches(at, size, set.samples[way][run]) {
                return 0;
            }
        } else if fallback == SAMPLES && run_end > from {
            fallback = run;
        }
    }
    if inside || fallback >= SAMPLES {
        return u64::from(inside);
    }
    let (offset, size) = sample::run(fallback, length);
    u64::from(matches(base + u64::from(offset), size, set.samples[way][fallback]))
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
            if set.tag[way] == tag && set.base[way] == base {
                set.tag[way] = 0;
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
