//! Chosen bytes of entries: which byte of what was read is sampled, until it is written.
//!
//! A chosen byte that is not in the interval of its entry any more has been written, or overwritten.

use aya_ebpf::{macros::map, maps::Array};
use copytax_common::{Class, EndpointKind};

use super::table::{
    COPIED, SETS, Set, WAYS, entry, granule, index_of, relay_lock, request, set_at, unlock,
};
use crate::{
    sample,
    sampling::{self, Chosen},
};

/// By set and way, if that has its bit in [`Set::chosen`]; read and written under the lock of the set.
#[map]
static CHOSEN: Array<Chosen> = Array::with_max_entries(SETS * WAYS as u32, 0);

#[inline(always)]
fn chosen_of(index: u64, way: usize) -> Option<&'static Chosen> {
    // SAFETY: map values stay; fields are plain integers, changed under the set's lock.
    CHOSEN
        .get_ptr((index * WAYS as u64 + way as u64) as u32)
        .map(|chosen| unsafe { &*chosen })
}

/// Chooses a byte of the request's entry, or none.
#[inline(always)]
pub(super) fn choose() {
    if sampling::is_on() {
        relay_choose();
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_choose() -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let Some(request) = request() else {
        return 0;
    };
    let (start, length) = (entry!(request, start), entry!(request, length));
    let is_copy = entry!(request, copied);
    // The rest of a TLS record is chosen as it is written.
    let has_source = entry!(request, source) != EndpointKind::None as u8;
    let chosen = has_source && sampling::choose(start, u64::from(length), !is_copy);
    // SAFETY: the cell is valid for writes, and belongs to this CPU.
    unsafe { (*request.entry.as_ptr()).chosen = chosen };
    0
}

#[inline(always)]
fn has_chosen(set: &Set, way: usize) -> bool {
    set.chosen.get() & (1 << way) != 0
}

#[inline(always)]
fn set_bit(set: &Set, way: usize, is_chosen: bool) {
    let bit = 1 << way;
    let others = set.chosen.get() & !bit;
    set.chosen
        .set(if is_chosen { others | bit } else { others });
}

/// Notes, after the request's entry was written to a way, whether a byte of it is chosen.
#[inline(always)]
pub(super) fn written(index: u64, way: u64) {
    if sampling::is_on() {
        relay_write_chosen(index, way);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_write_chosen(index: u64, way: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let is_chosen = entry!(request, chosen);
    set_bit(set, way, is_chosen);
    if is_chosen && let (Some(chosen), Some(now)) = (chosen_of(index, way), sampling::chosen_now())
    {
        chosen.copy_from(now);
    }
    0
}

/// Chooses a byte of the entry of a way of the set, which is locked: `length` bytes at `address` were read
/// into it again, so that nothing of it is chosen any more.
#[inline(always)]
pub(super) fn read_again(index: u64, way: usize, address: u64, length: u64) {
    if sampling::is_on() {
        relay_choose_again(index, way as u64, address, length);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_choose_again(index: u64, way: u64, address: u64, length: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let Some(set) = set_at(index) else {
        return 0;
    };
    let is_chosen = sampling::choose(address, length, true);
    set_bit(set, way, is_chosen);
    if is_chosen && let (Some(chosen), Some(now)) = (chosen_of(index, way), sampling::chosen_now())
    {
        chosen.copy_from(now);
    }
    0
}

/// Notes, after the entry of a way has grown by the request's, which byte of both is chosen.
#[inline(always)]
pub(super) fn appended(index: u64, way: u64) {
    if sampling::is_on() {
        relay_append_chosen(index, way);
    }
}

/// If both have one, one of them is kept by lot, and stands for both.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_append_chosen(index: u64, way: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let (Some(request), Some(set), Some(old), Some(new)) = (
        request(),
        set_at(index),
        chosen_of(index, way),
        sampling::chosen_now(),
    ) else {
        return 0;
    };
    let (at, appended_from) = (old.at.get(), entry!(request, start));
    let has_old = has_chosen(set, way) && at >= set.start[way].get() && at < appended_from;
    let has_new = entry!(request, chosen);
    if has_old && has_new {
        let of_new = new.stands_for.get();
        let both = old.stands_for.get().wrapping_add(of_new);
        if sampling::lot(u64::from(both)) < u64::from(of_new) {
            old.copy_from(new);
        }
        old.stands_for.set(both);
    } else if has_new {
        old.copy_from(new);
        set_bit(set, way, true);
    } else if !has_old {
        set_bit(set, way, false);
    }
    0
}

/// Notes that the bytes of the request's address are taken out of a way of the set, which is locked.
#[inline(always)]
pub(super) fn taken(index: u64, way: u64) {
    if sampling::is_on() {
        relay_take_chosen(index, way);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_take_chosen(index: u64, way: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    if has_chosen(set, way) {
        let (limit, end) = (request.limit.get(), set.end[way].get());
        let until = if limit < end { limit } else { end };
        spend(set, index, way, request.address.get(), until);
    }
    0
}

/// Notes that bytes from the front of a way of the set, which is locked, are written.
#[inline(always)]
pub(super) fn front_spent(set: &Set, index: u64, way: usize, from: u64, to: u64) {
    if sampling::is_on() && has_chosen(set, way) {
        relay_spend_chosen(index, way as u64, from, to);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_spend_chosen(index: u64, way: u64, from: u64, to: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    if let Some(set) = set_at(index) {
        spend(set, index, way, from, to);
    }
    0
}

#[inline(always)]
fn spend(set: &Set, index: u64, way: usize, from: u64, to: u64) {
    let Some(chosen) = chosen_of(index, way) else {
        return;
    };
    let at = chosen.at.get();
    if at >= from && at < to {
        set_bit(set, way, false);
        let source = set.origin[way].get();
        let class = if source & COPIED != 0 {
            Class::SameContent
        } else {
            Class::SameBuffer
        };
        sampling::note_bounce(chosen, class, source & !COPIED, to - from);
    }
}

/// Lets the chosen byte of a way go with the request's entry, if it is one of its: what is left behind a
/// piece that was taken out of the middle.
#[inline(always)]
pub(super) fn move_on(index: u64, way: u64) {
    if sampling::is_on() {
        relay_move_chosen(index, way);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_move_chosen(index: u64, way: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let (Some(request), Some(set), Some(chosen), Some(now)) = (
        request(),
        set_at(index),
        chosen_of(index, way),
        sampling::chosen_now(),
    ) else {
        return 0;
    };
    if has_chosen(set, way) && chosen.at.get() >= entry!(request, start) {
        now.copy_from(chosen);
        set_bit(set, way, false);
        // SAFETY: the cell is valid for writes, and belongs to this CPU.
        unsafe { (*request.entry.as_ptr()).chosen = true };
    }
    0
}

/// Notes that a copy of what was read to `base`, up to `end`, is written: of one entry.
#[inline(always)]
pub(crate) fn copied(tag: u64, base: u64, end: u64) {
    if sampling::is_on() {
        relay_copy_chosen(tag, base, end);
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_copy_chosen(tag: u64, base: u64, end: u64) -> u64 {
    if !sampling::is_on() {
        return 0;
    }
    let index = index_of(tag, granule(base));
    let Some(set) = set_at(index) else {
        return 0;
    };
    if set.chosen.get() == 0 || relay_lock(index) == 0 {
        return 0;
    }
    let mut found = WAYS;
    for way in 0..WAYS {
        if set.tag[way].get() == tag && set.base[way].get() == base && has_chosen(set, way) {
            found = way;
        }
    }
    if found < WAYS {
        relay_copy_way(index, found as u64, base, end);
    }
    unlock(index);
    0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_copy_way(index: u64, way: u64, base: u64, end: u64) -> u64 {
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    let (Some(set), Some(chosen)) = (set_at(index), chosen_of(index, way)) else {
        return 0;
    };
    set_bit(set, way, false);
    let at = chosen.at.get();
    let (start, entry_end) = (set.start[way].get(), set.end[way].get());
    let until = if entry_end < end { entry_end } else { end };
    if at >= base && at >= start && at < until {
        let source = set.origin[way].get() & !COPIED;
        sampling::note_bounce(chosen, Class::SameContent, source, until - base);
    }
    0
}
