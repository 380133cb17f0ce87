//! Looking up what is written, and spending what it was read as.

use super::{
    chosen,
    evidence::relay_unchanged,
    place::relay_place,
    table::{
        COPIED, GRANULE_SHIFT, Piece, Request, Set, WAYS, granule, has_crossing, index_of, is_free,
        relay_lock, request, set_at, unlock,
    },
};
use crate::{opaque, sample};

/// What a look-up found at an address.
pub(crate) enum Found {
    /// Bytes that were read and are unchanged.
    Piece(Piece),
    /// Nothing, up to this address.
    Gap(u64),
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
    // Not called: this is all that most writes of what a process made itself need.
    let way = find(index);
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
    find(index)
}

/// [`relay_find`] without the call.
#[inline(always)]
fn find(index: u64) -> u64 {
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
        } else if start < request.next.get() && !is_free(set, way) {
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
    if relay_unchanged(index, way, address, lesser(request.limit.get(), end)) == 0 {
        set.tag[slot].set(0);
        return 0;
    }
    chosen::taken(index, way);
    // Read anew: there is little stack for what is kept over the call.
    let address = opaque::get(&request.address);
    let (start, end) = (opaque::get(&set.start[slot]), opaque::get(&set.end[slot]));
    let piece_end = lesser(opaque::get(&request.limit), end);
    let spent = address == start && piece_end == end;
    request_piece(request, set, slot, piece_end - address, spent);
    if spent {
        set.content_slot[slot].set(0);
    }
    if address == start {
        set.start[slot].set(piece_end);
        return 1;
    }
    set.end[slot].set(address);
    if piece_end != end {
        request_rest(request, set, slot, piece_end, end);
        chosen::move_on(index, way);
        let way = relay_place(index);
        chosen::written(index, way);
    }
    1
}

/// Gives `length` bytes of a way of the set as the request's piece.
///
/// Not inlined: there is little stack for what it reads.
#[inline(never)]
fn request_piece(request: &Request, set: &Set, slot: usize, length: u64, spent: bool) {
    request.piece.set(Piece {
        length,
        base: set.base[slot].get(),
        thread: set.thread[slot].get(),
        content_slot: set.content_slot[slot].get(),
        file: set.file[slot].get(),
        source: set.origin[slot].get() & !COPIED,
        copied: set.origin[slot].get() & COPIED != 0,
        spent,
    });
}

/// Requests what is left of a way of the set behind a piece taken out of its middle.
///
/// Not inlined, and field by field: there is little stack for an entry.
#[inline(never)]
fn request_rest(request: &Request, set: &Set, slot: usize, start: u64, end: u64) {
    // SAFETY: the cell is valid for writes, and belongs to this CPU.
    unsafe {
        let rest = request.entry.as_ptr();
        (*rest).tag = opaque::get(&request.tag);
        (*rest).start = start;
        (*rest).end = end;
        (*rest).base = opaque::get(&set.base[slot]);
        (*rest).sampled_at = opaque::get(&set.sampled_at[slot]);
        (*rest).length = opaque::get(&set.length[slot]);
        (*rest).thread = opaque::get(&set.thread[slot]);
        (*rest).content_slot = opaque::get(&set.content_slot[slot]);
        (*rest).file = opaque::get(&set.file[slot]);
        (*rest).samples[0] = opaque::get(&set.samples[slot][0]);
        (*rest).samples[1] = opaque::get(&set.samples[slot][1]);
        (*rest).samples[2] = opaque::get(&set.samples[slot][2]);
        (*rest).source = opaque::get(&set.origin[slot]) & !COPIED;
        (*rest).copied = opaque::get(&set.origin[slot]) & COPIED != 0;
        (*rest).chosen = false;
    }
}

#[inline(always)]
const fn lesser(one: u64, other: u64) -> u64 {
    if one < other { one } else { other }
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
