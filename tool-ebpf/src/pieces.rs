//! Remembers what was read, and classifies what is written, piece by piece of a segment.

use copytax_common::{Class, EndpointKind, Sharing};

use crate::{
    completions, content,
    flows::{self, Amount, Files, Flow},
    last_ingest, mapping,
    relay::{self, CHUNK, Entry, Found, Origin, Piece, Place},
    sample::{self, SAMPLES},
    sampling, tls,
    walk::{self, Walk},
};

/// Bytes that the process made itself.
pub(crate) const PROCESS: Origin = Origin {
    source: EndpointKind::None as u8,
    file: 0,
};

/// Bytes that could not be looked at.
pub(crate) const UNKNOWN: Origin = Origin {
    source: EndpointKind::Unknown as u8,
    file: 0,
};

/// Remembers a read of one unit.
#[inline(always)]
pub(crate) fn read(tag: u64, address: u64, length: u64, thread: u32, origin: Origin) {
    piece_read(tag, address, length, u64::from(thread), origin.packed());
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn piece_read(tag: u64, address: u64, length: u64, thread: u64, origin: u64) -> u64 {
    let thread = thread as u32;
    let origin = Origin::unpacked(origin);
    let Some(samples) = sample::of(address, length) else {
        last_ingest::remember(tag, thread, address, length, origin.source, Place(0));
        return 0;
    };
    let entry = Entry::fresh(tag, address, length as u32, thread, origin, samples);
    let place = relay::remember_with_content(entry, || {
        if length < content::MIN_LENGTH {
            return 0;
        }
        let fingerprint = sample::combine(samples, length as u32);
        content::remember(tag, fingerprint, address, length as u32, thread, origin)
    });
    last_ingest::remember(tag, thread, address, length, origin.source, place);
    0
}

/// The class of bytes that were read before, or are a copy of such.
#[inline(always)]
pub(crate) const fn class_of(source: u8, copied: bool) -> Class {
    if copied && source == EndpointKind::None as u8 {
        Class::TlsRecord
    } else if copied {
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
    let entry = fresh(walk, address, length, origin_of(walk), samples);
    if address == walk.segment.get() {
        relay::remember_with_content(entry, || remember_content(walk, samples));
    } else {
        relay::remember(entry);
    }
    0
}

#[inline(always)]
fn fresh(walk: &Walk, address: u64, length: u64, origin: Origin, samples: [u32; SAMPLES]) -> Entry {
    let (tag, thread) = (walk.tag.get(), walk.thread.get());
    Entry::fresh(tag, address, length as u32, thread, origin, samples)
}

/// What the call reads from.
#[inline(always)]
fn origin_of(walk: &Walk) -> Origin {
    Origin {
        source: walk.endpoint.get(),
        file: walk.file.get() as u32,
    }
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
    let (tag, thread) = (walk.tag.get(), walk.thread.get());
    content::remember(
        tag,
        fingerprint,
        address,
        length as u32,
        thread,
        origin_of(walk),
    )
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
            emit(
                class_of(piece.source, piece.copied),
                piece.origin(),
                piece.length,
            );
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
    if walk.matched.get() != 0 {
        emit(Class::Generated, PROCESS, gap);
    } else if !emit_copy(walk) {
        let (tag, segment) = (walk.tag.get(), walk.segment.get());
        if mapping::is_known_no_file(tag, segment, segment + gap) {
            emit_made(walk, gap);
        } else {
            walk.unmapped.set(segment);
            walk.unmapped_left.set(gap);
        }
    }
    0
}

/// Classifies the next run of a segment some of which may be a mapping of a file.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn piece_unmapped() -> u64 {
    let Some(walk) = walk::current() else {
        return 0;
    };
    let (address, left) = (walk.unmapped.get(), walk.unmapped_left.get());
    let run = mapping::find(walk.tag.get(), address, left);
    walk.unmapped.set(address + run.length);
    walk.unmapped_left.set(left - run.length);
    if run.is_file {
        walk.matched.set(walk.matched.get() + run.length);
        emit(
            Class::Mapped,
            Origin {
                source: EndpointKind::File as u8,
                file: run.file,
            },
            run.length,
        );
    } else {
        walk.gap.set(walk.gap.get() + run.length);
    }
    let gap = walk.gap.get();
    if left == run.length && gap != 0 {
        walk.gap.set(0);
        if walk.matched.get() == 0 {
            emit_made(walk, gap);
        } else {
            emit(Class::Generated, PROCESS, gap);
        }
    }
    0
}

/// Classifies a segment that is neither in memory nor in content what was read, nor a file's: `bytes`
/// of it were written.
#[inline(always)]
fn emit_made(walk: &Walk, bytes: u64) {
    let (tag, thread) = (walk.tag.get(), walk.thread.get());
    let (segment, wanted) = (walk.segment.get(), walk.segment_wanted.get());
    if tls::is_record(walk.endpoint.get(), segment, wanted) {
        follow_rest(walk, PROCESS);
        emit(Class::TlsRecord, PROCESS, bytes);
        return;
    }
    match last_ingest::take(tag, thread, wanted, bytes) {
        Some(source) => emit(Class::SameSize, Origin { source, file: 0 }, bytes),
        None => emit(Class::Generated, PROCESS, bytes),
    }
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
    let written = walk.segment_length.get();
    let first = if written < CHUNK { written } else { CHUNK };
    relay::copied(tag, original.base, original.base + first);
    relay::relay_forget(tag, original.base);
    if sampling::is_on() && written > CHUNK {
        walk.original.set(original.base + CHUNK);
        walk.original_left.set(written - CHUNK);
    }
    last_ingest::forget(tag, original.thread, original.base, 1);
    follow_rest(walk, original.origin);
    emit(
        Class::SameContent,
        original.origin,
        walk.segment_length.get(),
    );
    true
}

/// Sees to it that what a short write has left of the segment is found where it lies. Without a source
/// it is of a TLS record, else of a copy.
#[inline(always)]
fn follow_rest(walk: &Walk, origin: Origin) {
    let written = walk.segment_length.get();
    walk.rest.set(walk.segment.get() + written);
    walk.rest_left.set(walk.segment_wanted.get() - written);
    walk.rest_origin.set(origin);
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
        let mut entry = fresh(walk, address, length, walk.rest_origin.get(), samples);
        entry.copied = true;
        relay::remember(entry);
    }
    0
}

/// Notes that a copy of the next unit of what was read is written, for the sake of samples.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn piece_original() -> u64 {
    let Some(walk) = walk::current() else {
        return 0;
    };
    let (address, left) = (walk.original.get(), walk.original_left.get());
    let length = if left < CHUNK { left } else { CHUNK };
    walk.original.set(address + length);
    walk.original_left.set(left - length);
    relay::copied(walk.tag.get(), address, address + length);
    0
}

/// Adds a piece to its flow.
#[inline(always)]
pub(crate) fn emit(class: Class, origin: Origin, bytes: u64) {
    let Some(walk) = walk::current() else {
        return;
    };
    let (class, source, sharing) = if walk.is_by_reference() && bytes != 0 {
        let source = match class {
            Class::SameBuffer | Class::SameContent | Class::Mapped => origin.source,
            _ => EndpointKind::Memory as u8,
        };
        (Class::ByReference, source, Sharing::CompletionUnread)
    } else {
        (class, origin.source, Sharing::None)
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
    let flow = Flow {
        call: walk.call.get(),
        source,
        sink: walk.endpoint.get(),
        class,
        sharing: sharing as u8,
    };
    let files = Files {
        source: origin.file,
        sink: walk.file.get(),
    };
    flows::add(walk.process.get(), flow, files, amount);
    if sharing as u8 == Sharing::CompletionUnread as u8 {
        completions::add(source, amount);
    }
}
