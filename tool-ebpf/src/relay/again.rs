//! The short way for memory that a thread reads into again and again, and writes from.
//!
//! Entries do not overlap, so that the one whose place a thread remembers is all there is to know of
//! its memory, as long as it is still there: no set has to be searched. Each way is one function: on
//! it a call costs as much as the work.

use copytax_common::Class;

use super::{
    chosen,
    evidence::relay_unchanged,
    habit::{SAMPLED, TRUSTED},
    table::{COPIED, Origin, Set, WAYS, relay_lock, set_at},
};
use crate::{
    content,
    flows::{self, Files, Flow},
    last_ingest::LastIngest,
    lock,
    pieces::class_of,
    recency,
    sample::{self, SAMPLES},
};

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

/// A call on the short way: its thread and what it was, and the kind of its sink, as an argument of a
/// global function.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) thread: u32,
    pub(crate) call: u8,
    /// [`copytax_common::EndpointKind`]
    pub(crate) sink: u8,
}

impl Who {
    #[inline(always)]
    const fn packed(self) -> u64 {
        self.thread as u64 | (self.call as u64) << 32 | (self.sink as u64) << 40
    }

    #[inline(always)]
    const fn unpacked(packed: u64) -> Self {
        Self {
            thread: packed as u32,
            call: (packed >> 32) as u8,
            sink: (packed >> 40) as u8,
        }
    }
}

/// Accounts for a read of `length` bytes to `address`, if its thread's last one was to the same memory,
/// and from the same kind of source; whether it was.
#[inline(always)]
pub(crate) fn read_again(tag: u64, address: u64, length: u64, who: Who, origin: Origin) -> bool {
    relay_read_again(tag, address, length, who.packed(), origin.packed()) != 0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_read_again(tag: u64, address: u64, length: u64, who: u64, origin: u64) -> u64 {
    let (who, origin) = (Who::unpacked(who), Origin::unpacked(origin));
    let Some(last) = LastIngest::of(who.thread) else {
        return 0;
    };
    let place = last.place.get();
    if !last.is_of(tag, who.thread) || !last.is_at(address, length) || place == Place(0) {
        return 0;
    }
    let Some(set) = set_at(place.index()) else {
        return 0;
    };
    let way = place.way();
    // Without the lock that is a hint, and spares what follows.
    if set.tag[way].get() != tag {
        return 0;
    }
    if last.left.get() != 0 {
        last.habit.note_kept();
    }
    let mut samples = [0; SAMPLES];
    let how = if length < content::MIN_LENGTH {
        last.habit.next()
    } else {
        SAMPLED
    };
    if how != SAMPLED {
        samples[1] = how;
    } else if length < content::MIN_LENGTH {
        let hash = sample::hash_short(address, length);
        if hash == sample::UNREADABLE {
            return 0;
        }
        samples[0] = hash as u32;
    } else if let Some(found) = sample::of(address, length) {
        samples = found;
    } else {
        return 0;
    }
    let mut content_slot = 0;
    if length >= content::MIN_LENGTH {
        let fingerprint = sample::combine(samples, length as u32);
        let length = length as u32;
        content_slot = content::remember(tag, fingerprint, address, length, who.thread, origin);
    }
    if !lock(set, place) {
        return 0;
    }
    let is_same = set.tag[way].get() == tag
        && set.base[way].get() == address
        && set.sampled_at[way].get() == address
        && set.end[way].get() == address + length
        && u64::from(set.length[way].get()) == length
        && set.origin[way].get() == origin.source;
    if is_same {
        let old_slot = set.content_slot[way].get();
        if old_slot != content_slot {
            content::forget(tag, old_slot, address);
            set.content_slot[way].set(content_slot);
        }
        let now = recency::stamp(set.clock.get());
        set.clock.set(now);
        set.stamp[way].set(now);
        set.start[way].set(address);
        set.thread[way].set(who.thread);
        set.file[way].set(origin.file);
        set.samples[way][0].set(samples[0]);
        set.samples[way][1].set(samples[1]);
        set.samples[way][2].set(samples[2]);
        chosen::read_again(place.index(), way, address, length);
    }
    lock::release(set.lock.as_ptr());
    if !is_same {
        return 0;
    }
    last.left.set(length as u32);
    let flow = Flow::copied(who.call, origin.source, 0, Class::Ingest);
    flows::add_here(tag, flow, Files::NONE, length);
    1
}

/// Accounts for a write of `length` bytes at `address` to `file`, if they are of what its thread read
/// last, begin where the rest of that begins, and are still what was read; whether they are.
#[inline(always)]
pub(crate) fn write_again(tag: u64, address: u64, length: u64, who: Who, file: u64) -> bool {
    relay_write_again(tag, address, length, who.packed(), file) != 0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn relay_write_again(tag: u64, address: u64, length: u64, who: u64, file: u64) -> u64 {
    let who = Who::unpacked(who);
    let Some(last) = LastIngest::of(who.thread) else {
        return 0;
    };
    let place = last.place.get();
    if !last.is_of(tag, who.thread) || place == Place(0) {
        return 0;
    }
    let Some(set) = set_at(place.index()) else {
        return 0;
    };
    let way = place.way();
    // A hint, as above.
    if set.start[way].get() != address {
        return 0;
    }
    let is_small = length < content::MIN_LENGTH && last.is_at(address, length);
    let how = set.samples[way][1].get();
    let mut hash = 0;
    if is_small && how == SAMPLED {
        hash = sample::hash_short(address, length);
    }
    if !lock(set, place) {
        return 0;
    }
    let limit = address + length;
    let mut is_spent = set.tag[way].get() == tag
        && set.start[way].get() == address
        && set.end[way].get() >= limit
        && set.thread[way].get() == who.thread;
    if is_spent {
        is_spent = if is_small {
            set.sampled_at[way].get() == address
                && u64::from(set.length[way].get()) == length
                && set.samples[way][1].get() == how
                && (how == TRUSTED
                    || (how == SAMPLED && u64::from(set.samples[way][0].get()) == hash))
        } else {
            relay_unchanged(place.index(), way as u64, address, limit) != 0
        };
    }
    let origin = Origin {
        source: set.origin[way].get(),
        file: set.file[way].get(),
    };
    if is_spent {
        chosen::front_spent(set, place.index(), way, address, limit);
        set.start[way].set(limit);
        if set.end[way].get() == limit {
            content::forget(tag, set.content_slot[way].get(), set.base[way].get());
            set.content_slot[way].set(0);
        }
    }
    lock::release(set.lock.as_ptr());
    if !is_spent {
        last.habit.forget();
        return 0;
    }
    last.left.set(0);
    last.habit.note_relayed();
    let source = origin.source & !COPIED;
    let class = class_of(source, origin.source & COPIED != 0);
    let flow = Flow::copied(who.call, source, who.sink, class);
    let files = Files {
        source: origin.file,
        sink: file,
    };
    flows::add_here(tag, flow, files, length);
    1
}

/// Takes the lock of the set of a place.
#[inline(always)]
fn lock(set: &Set, place: Place) -> bool {
    // Mostly free: the attempts that follow are verified once, in a function of their own.
    lock::is_acquired(set.lock.as_ptr()) || relay_lock(place.index()) != 0
}
