//! Remembers what was read, and classifies what is written, piece by piece of a segment.

use copytax_common::{Class, EndpointKind};

use crate::{
    content,
    flows::{self, Amount, Flow},
    last_ingest,
    relay::{self, CHUNK, Entry, Found, Piece},
    sample::{self, SAMPLES},
    walk::{self, Walk},
};

/// Remembers a read of one unit.
#[inline(always)]
pub(crate) fn read(tag: u64, address: u64, length: u64, thread: u32, source: u8) {
    piece_read(tag, address, length, u64::from(thread), u64::from(source));
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn piece_read(tag: u64, address: u64, length: u64, thread: u64, source: u64) -> u64 {
    let Some(samples) = sample::of(address, length) else {
        return 0;
    };
    let (thread, source) = (thread as u32, source as u8);
    let mut entry = Entry::fresh(tag, address, length as u32, thread, source, samples);
    if length >= content::MIN_LENGTH {
        let fingerprint = sample::combine(samples, length as u32);
        entry.content_slot =
            content::remember(tag, fingerprint, address, length as u32, thread, source);
    }
    relay::remember(entry);
    0
}

/// The class of a piece that was read before.
#[inline(always)]
pub(crate) const fn class_of(piece: &Piece) -> Class {
    if piece.copied {
        Class::SameContent
    } else {
        Class::SameBuffer
    }
}

/// Forgets, after a piece at `address` was written, what else remembers it.
#[inline(always)]
pub(crate) fn forget_spent(tag: u64, piece: &Piece, address: u64) {
    if piece.spent {
        content::forget(tag, piece.content_slot, piece.base);
    }
    last_ingest::forget(tag, piece.thread, address, piece.length);
}

/// Remembers the next piece of what was read.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn piece_ingest() -> u64 {
    let Some(walk) = walk::current() else {
        return 0;
    };
    let address = walk.cursor.get();
    let left = walk.segment_left.get();
    let length = if left < CHUNK { left } else { CHUNK };
    walk.cursor.set(address + length);
    walk.segment_left.set(left - length);
    let Some(samples) = sample::of(address, length) else {
        return 0;
    };
    let mut entry = fresh(walk, address, length, walk.endpoint.get(), samples);
    if address == walk.segment.get() {
        entry.content_slot = remember_content(walk, samples);
    }
    relay::remember(entry);
    0
}

#[inline(always)]
fn fresh(walk: &Walk, address: u64, length: u64, source: u8, samples: [u32; SAMPLES]) -> Entry {
    let (tag, thread) = (walk.tag.get(), walk.thread.get());
    Entry::fresh(tag, address, length as u32, thread, source, samples)
}

/// Remembers the content of the segment whose first piece has these samples; gives its slot plus 1.
#[inline(always)]
fn remember_content(walk: &Walk, samples: [u32; SAMPLES]) -> u32 {
    let (address, length) = (walk.segment.get(), walk.segment_length.get());
    if length < content::MIN_LENGTH {
        return 0;
    }
    let fingerprint = if length <= CHUNK {
        sample::combine(samples, length as u32)
    } else {
        match fingerprint_of(address, length) {
            Some(fingerprint) => fingerprint,
            None => return 0,
        }
    };
    let (tag, thread, source) = (walk.tag.get(), walk.thread.get(), walk.endpoint.get());
    content::remember(tag, fingerprint, address, length as u32, thread, source)
}

/// Fingerprint of a whole segment; `None` where it is too short, or cannot be read.
#[inline(always)]
fn fingerprint_of(address: u64, length: u64) -> Option<u64> {
    if length < content::MIN_LENGTH || length > u64::from(u32::MAX) {
        return None;
    }
    Some(sample::combine(sample::of(address, length)?, length as u32))
}

/// Classifies the next piece of what was written.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn piece_egress() -> u64 {
    let Some(walk) = walk::current() else {
        return 0;
    };
    let (tag, cursor, left) = (walk.tag.get(), walk.cursor.get(), walk.segment_left.get());
    let length = match relay::spend(tag, cursor, cursor + left) {
        Found::Piece(piece) => {
            forget_spent(tag, &piece, cursor);
            walk.matched.set(walk.matched.get() + piece.length);
            emit(class_of(&piece), piece.source, piece.length);
            piece.length
        }
        Found::Gap(next) => {
            walk.gap.set(walk.gap.get() + (next - cursor));
            next - cursor
        }
    };
    walk.cursor.set(cursor + length);
    walk.segment_left.set(left - length);
    0
}

/// Classifies what the look-up by address has left of a segment.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn segment_end() -> u64 {
    let Some(walk) = walk::current() else {
        return 0;
    };
    let gap = walk.gap.get();
    walk.gap.set(0);
    if walk.matched.get() == 0 {
        if emit_copy(walk) {
            return 0;
        }
        let (tag, thread) = (walk.tag.get(), walk.thread.get());
        if let Some(source) = last_ingest::take(tag, thread, walk.segment_wanted.get(), gap) {
            emit(Class::SameSize, source, gap);
            return 0;
        }
    }
    emit(Class::Generated, EndpointKind::None as u8, gap);
    0
}

/// Looks the segment up by content.
#[inline(always)]
fn emit_copy(walk: &Walk) -> bool {
    let (tag, wanted) = (walk.tag.get(), walk.segment_wanted.get());
    let Some(fingerprint) = fingerprint_of(walk.segment.get(), wanted) else {
        return false;
    };
    let Some(original) = content::take(tag, fingerprint, wanted as u32) else {
        return false;
    };
    relay::relay_forget(tag, original.base);
    last_ingest::forget(tag, original.thread, original.base, 1);
    let written = walk.segment_length.get();
    walk.rest.set(walk.segment.get() + written);
    walk.rest_left.set(wanted - written);
    walk.rest_source.set(original.source);
    emit(Class::SameContent, original.source, written);
    true
}

/// Remembers the next unit of what a short write has left of a copy: it follows from where this write
/// ended.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn piece_rest() -> u64 {
    let Some(walk) = walk::current() else {
        return 0;
    };
    let (address, left) = (walk.rest.get(), walk.rest_left.get());
    let length = if left < CHUNK { left } else { CHUNK };
    walk.rest.set(address + length);
    walk.rest_left.set(left - length);
    if let Some(samples) = sample::of(address, length) {
        let mut entry = fresh(walk, address, length, walk.rest_source.get(), samples);
        entry.copied = true;
        relay::remember(entry);
    }
    0
}

/// Adds a piece to its flow.
#[inline(always)]
pub(crate) fn emit(class: Class, source: u8, bytes: u64) {
    let Some(walk) = walk::current() else {
        return;
    };
    let bit = (class as u64).wrapping_sub(Class::SameBuffer as u64) * 16 + u64::from(source & 15);
    let word = &walk.seen[(bit as usize >> 6) & 1];
    let mask = 1u64 << (bit & 63);
    let amount = Amount {
        bytes,
        is_first_of_flow: word.get() & mask == 0,
        is_first_of_call: walk.has_first_piece.get() == 0,
    };
    word.set(word.get() | mask);
    walk.has_first_piece.set(1);
    let flow = Flow::copied(walk.call.get(), source, walk.endpoint.get(), class);
    flows::add(walk.process.get(), flow, amount);
}
