//! Walks the user memory of one call: its messages, their vectors, and the pieces in each segment.
//!
//! One step handles one piece, so that a single loop serves all calls. The state lives in a per-CPU
//! map value: the stack is too small for it, and the verifier need not tell the steps apart.

use core::ffi::c_void;

use aya_ebpf::{
    helpers::generated::{bpf_loop, bpf_probe_read_user},
    macros::map,
    maps::PerCpuArray,
};
use copytax_common::{Class, EndpointKind, FlowCounters, LossCounter, ProcessKey};

use crate::{
    content, flows, last_ingest,
    layout::layout,
    loss,
    relay::{self, CHUNK, Entry, Found},
    sample::{self, SAMPLES},
};

/// Steps of one call. The largest vector has 1,024 elements (`UIO_MAXIOV`).
const MAX_STEPS: u32 = 4_096;
/// Steps where the kernel has no `bpf_loop`.
const MAX_STEPS_UNROLLED: u32 = 8;

/// Size of `struct iovec`.
const IOVEC_SIZE: u64 = 16;
/// Size of `struct mmsghdr`, and offset of its `msg_len`.
const MMSGHDR_SIZE: u64 = 64;
const MSG_LEN_OFFSET: u64 = 56;
/// Offset of `msg_iov` in `struct msghdr`; `msg_iovlen` follows.
const MSG_IOV_OFFSET: u64 = 16;

/// Not 1: the compiler would pass it on unchecked, and the verifier wants to see the bounds of what a
/// loop callback returns.
const DONE: i64 = 2;
const MORE: i64 = 0;

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Direction {
    /// Into the process.
    Ingest = 0,
    /// Out of the process.
    Egress = 1,
}

/// State of the walk.
#[repr(C)]
pub(crate) struct Walk {
    tag: u64,
    process: ProcessKey,
    /// Bytes of the current message behind the current segment.
    left: u64,
    /// Bytes of all messages so far.
    total: u64,
    /// Where the next piece begins, and the bytes of the segment from there on.
    cursor: u64,
    segment_left: u64,
    /// Where the first segment begins.
    first: u64,
    /// The segment: address, bytes moved, bytes asked for.
    segment: u64,
    segment_length: u64,
    segment_wanted: u64,
    /// Bytes of the segment that were relayed, and that were not.
    matched: u64,
    gap: u64,
    /// Vector elements to come.
    vector: u64,
    vector_left: u64,
    /// Messages to come.
    messages: u64,
    messages_left: u64,
    /// Flows that this call has counted in.
    seen: [u64; 2],
    thread: u32,
    direction: u8,
    /// [`EndpointKind`] of the call's descriptor.
    endpoint: u8,
    call: u8,
    has_first_piece: u8,
}

#[map]
static WALK: PerCpuArray<Walk> = PerCpuArray::with_max_entries(1, 0);

/// Who calls, what, and on which endpoint.
pub(crate) struct Caller {
    pub(crate) process: ProcessKey,
    pub(crate) tag: u64,
    pub(crate) thread: u32,
    pub(crate) call: u8,
    pub(crate) endpoint: EndpointKind,
    pub(crate) direction: Direction,
}

/// The memory of a call.
pub(crate) enum Memory {
    /// One buffer: address and length asked for.
    Buffer(u64, u64),
    /// `struct iovec[]`: address and elements.
    Vector(u64, u64),
    /// `struct msghdr`
    Message(u64),
    /// `struct mmsghdr[]`: address; as many as the call returned.
    Messages(u64),
}

/// Address of the first segment of the call walked last on this CPU.
#[inline(always)]
pub(crate) fn first_address() -> u64 {
    current().map_or(0, |walk| walk.first)
}

/// Walks a call that moved `result` bytes (messages, for [`Memory::Messages`]), and gives the bytes.
#[inline(always)]
pub(crate) fn walk(caller: &Caller, memory: &Memory, result: u64) -> u64 {
    let Some(walk) = current() else {
        return 0;
    };
    walk.tag = caller.tag;
    walk.process = caller.process;
    walk.thread = caller.thread;
    walk.direction = caller.direction as u8;
    walk.endpoint = caller.endpoint as u8;
    walk.call = caller.call;
    walk.has_first_piece = 0;
    walk.seen = [0; 2];
    walk.left = result;
    walk.total = result;
    walk.first = 0;
    walk.segment_left = 0;
    walk.gap = 0;
    walk.vector_left = 0;
    walk.messages_left = 0;
    match *memory {
        Memory::Buffer(address, length) => begin_segment(walk, address, length),
        Memory::Vector(address, elements) => {
            walk.vector = address;
            walk.vector_left = elements;
        }
        Memory::Message(address) => begin_message(walk, address),
        Memory::Messages(address) => {
            walk.left = 0;
            walk.total = 0;
            walk.messages = address;
            walk.messages_left = result;
        }
    }
    // The steps look the state up by themselves: it is not held over them.
    finish(run())
}

/// This CPU's state. Not to be held over a call of [`step`], which looks it up, too.
#[inline(always)]
fn current() -> Option<&'static mut Walk> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    WALK.get_ptr_mut(0).map(|walk| unsafe { &mut *walk })
}

/// Makes all steps; whether the walk came to its end.
#[inline(always)]
fn run() -> bool {
    if step() == DONE {
        return true;
    }
    if layout!(has_loop) != 0 {
        // SAFETY: `loop_step` has the signature of a loop callback.
        let steps = unsafe {
            let callback: extern "C" fn(u32, *mut c_void) -> i64 = loop_step;
            bpf_loop(MAX_STEPS, callback as *mut c_void, core::ptr::null_mut(), 0)
        };
        return steps < i64::from(MAX_STEPS);
    }
    for _ in 0..MAX_STEPS_UNROLLED {
        if step() == DONE {
            return true;
        }
    }
    false
}

/// Accounts for what was not walked, and gives the bytes of the call.
#[inline(always)]
fn finish(done: bool) -> u64 {
    let Some(walk) = current() else {
        return 0;
    };
    let rest = walk.left + walk.segment_left + walk.gap;
    if !done || walk.left != 0 {
        loss::count(LossCounter::PiecesTruncated);
    }
    if walk.direction == Direction::Egress as u8 {
        if rest != 0 {
            emit(walk, Class::Unknown, EndpointKind::Unknown as u8, rest);
        } else if walk.has_first_piece == 0 {
            emit(walk, Class::Generated, EndpointKind::None as u8, 0);
        }
    }
    walk.total
}

/// [`step`] as a callback of `bpf_loop`, which must not be a global function.
#[inline(never)]
extern "C" fn loop_step(_index: u32, _context: *mut c_void) -> i64 {
    i64::from(step() == DONE)
}

/// One step.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn step() -> i64 {
    let Some(walk) = current() else {
        return DONE;
    };
    if walk.segment_left == 0 && !next_segment(walk) {
        return DONE;
    }
    if walk.segment_left != 0 {
        if walk.direction == Direction::Ingest as u8 {
            ingest_piece(walk);
        } else {
            egress_piece(walk);
        }
    }
    if walk.segment_left == 0 && walk.vector_left == 0 && walk.messages_left == 0 {
        return DONE;
    }
    MORE
}

#[inline(always)]
fn begin_segment(walk: &mut Walk, address: u64, wanted: u64) {
    let length = if walk.left < wanted {
        walk.left
    } else {
        wanted
    };
    walk.left -= length;
    walk.segment = address;
    if walk.first == 0 {
        walk.first = address;
    }
    walk.cursor = address;
    walk.segment_length = length;
    walk.segment_left = length;
    walk.segment_wanted = wanted;
    walk.matched = 0;
    walk.gap = 0;
}

/// Loads vector elements and messages up to the next segment; `false` when there is none.
#[inline(always)]
fn next_segment(walk: &mut Walk) -> bool {
    if walk.left == 0 {
        walk.vector_left = 0;
    }
    if walk.vector_left == 0 {
        if walk.messages_left == 0 {
            return false;
        }
        let message = walk.messages;
        walk.messages = message + MMSGHDR_SIZE;
        walk.messages_left -= 1;
        let length = u64::from(user::<u32>(message + MSG_LEN_OFFSET));
        walk.left = length;
        walk.total += length;
        begin_message(walk, message);
        return true;
    }
    let element: [u64; 2] = user(walk.vector);
    walk.vector += IOVEC_SIZE;
    walk.vector_left -= 1;
    begin_segment(walk, element[0], element[1]);
    true
}

#[inline(always)]
fn begin_message(walk: &mut Walk, message: u64) {
    let vector: [u64; 2] = user(message + MSG_IOV_OFFSET);
    walk.vector = vector[0];
    walk.vector_left = vector[1];
}

/// Reads user memory; all zero, and counted, where it cannot be read.
#[inline(always)]
fn user<T: Copy + Default>(address: u64) -> T {
    let mut value = T::default();
    // SAFETY: the destination is a local of the given size; the helper handles faults.
    let failed = unsafe {
        bpf_probe_read_user(
            (&raw mut value).cast(),
            size_of::<T>() as u32,
            address as *const c_void,
        )
    };
    if failed != 0 {
        loss::count(LossCounter::ContentUnreadable);
    }
    value
}

/// Fingerprint of a whole segment; `None` where it is too short, or cannot be read.
#[inline(always)]
fn fingerprint_of(address: u64, length: u64) -> Option<u64> {
    if length < content::MIN_LENGTH || length > u64::from(u32::MAX) {
        return None;
    }
    let length = length as u32;
    Some(sample::combine(sample::of(address, length)?, length))
}

/// Remembers the next piece of what was read.
#[inline(always)]
fn ingest_piece(walk: &mut Walk) {
    let address = walk.cursor;
    let length = if walk.segment_left < CHUNK {
        walk.segment_left
    } else {
        CHUNK
    };
    walk.cursor = address + length;
    walk.segment_left -= length;
    let Some(samples) = sample::of(address, length as u32) else {
        return;
    };
    let mut entry = Entry::fresh(
        walk.tag,
        address,
        length as u32,
        walk.thread,
        walk.endpoint,
        samples,
    );
    if address == walk.segment {
        entry.content_slot = remember_content(walk, samples);
    }
    relay::remember(entry);
}

/// Remembers the content of the segment whose first piece has these samples; gives its slot plus 1.
#[inline(always)]
fn remember_content(walk: &Walk, samples: [u32; SAMPLES]) -> u32 {
    let length = walk.segment_length;
    if length < content::MIN_LENGTH {
        return 0;
    }
    let fingerprint = if length <= CHUNK {
        sample::combine(samples, length as u32)
    } else {
        match fingerprint_of(walk.segment, length) {
            Some(fingerprint) => fingerprint,
            None => return 0,
        }
    };
    content::remember(
        walk.tag,
        fingerprint,
        walk.segment,
        length as u32,
        walk.thread,
        walk.endpoint,
    )
}

/// Classifies the next piece of what was written.
#[inline(always)]
fn egress_piece(walk: &mut Walk) {
    let limit = walk.cursor + walk.segment_left;
    match relay::spend(walk.tag, walk.cursor, limit) {
        Found::Piece(piece) => {
            if piece.spent {
                content::forget(walk.tag, piece.content_slot, piece.base);
            }
            last_ingest::forget(walk.tag, piece.thread, walk.cursor, piece.length);
            walk.cursor += piece.length;
            walk.segment_left -= piece.length;
            walk.matched += piece.length;
            let class = if piece.copied {
                Class::SameContent
            } else {
                Class::SameBuffer
            };
            emit(walk, class, piece.source, piece.length);
        }
        Found::Gap(next) => {
            let length = next - walk.cursor;
            walk.cursor = next;
            walk.segment_left -= length;
            walk.gap += length;
        }
    }
    if walk.segment_left == 0 {
        end_segment(walk);
    }
}

/// Classifies what is left of a segment after the look-up by address.
#[inline(always)]
fn end_segment(walk: &mut Walk) {
    let gap = walk.gap;
    if gap == 0 {
        return;
    }
    walk.gap = 0;
    if walk.matched == 0 {
        if emit_copy(walk) {
            return;
        }
        let wanted = walk.segment_wanted;
        if let Some(source) = last_ingest::take(walk.tag, walk.thread, wanted, gap) {
            emit(walk, Class::SameSize, source, gap);
            return;
        }
    }
    emit(walk, Class::Generated, EndpointKind::None as u8, gap);
}

/// Looks the segment up by content.
#[inline(always)]
fn emit_copy(walk: &mut Walk) -> bool {
    let wanted = walk.segment_wanted;
    let Some(fingerprint) = fingerprint_of(walk.segment, wanted) else {
        return false;
    };
    let Some(original) = content::take(walk.tag, fingerprint, wanted as u32) else {
        return false;
    };
    relay::relay_forget(walk.tag, original.base);
    last_ingest::forget(walk.tag, original.thread, original.base, 1);
    let written = walk.segment_length;
    if written < wanted {
        remember_rest(walk, original.source, wanted - written);
    }
    emit(walk, Class::SameContent, original.source, written);
    true
}

/// After a short write of a copy, the rest of it follows from where this write ended.
#[inline(always)]
fn remember_rest(walk: &Walk, source: u8, length: u64) {
    let rest = walk.segment + walk.segment_length;
    if length > CHUNK {
        return;
    }
    if let Some(samples) = sample::of(rest, length as u32) {
        let mut entry = Entry::fresh(walk.tag, rest, length as u32, walk.thread, source, samples);
        entry.copied = true;
        relay::remember(entry);
    }
}

/// Adds a piece to its flow.
#[inline(always)]
fn emit(walk: &mut Walk, class: Class, source: u8, bytes: u64) {
    let bit = (class as u32) * 16 + u32::from(source & 15) - (Class::SameBuffer as u32) * 16;
    let word = &mut walk.seen[(bit as usize >> 6) & 1];
    let mask = 1u64 << (bit & 63);
    let amount = FlowCounters {
        bytes,
        calls: u64::from(*word & mask == 0),
        first_pieces: u64::from(walk.has_first_piece == 0),
    };
    *word |= mask;
    walk.has_first_piece = 1;
    flows::add(
        walk.process,
        walk.call,
        source,
        walk.endpoint,
        class,
        amount,
    );
}
