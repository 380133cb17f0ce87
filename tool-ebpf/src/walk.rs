//! Walks the user memory of one call: its messages, their vectors, and the pieces in each segment.
//!
//! One step handles one piece, so that a single loop serves all calls. The state lives in a per-CPU
//! map value: the stack is too small for it, and the verifier need not tell the steps apart.

use core::{cell::Cell, ffi::c_void};

use aya_ebpf::{
    helpers::generated::{bpf_loop, bpf_probe_read_user},
    macros::map,
    maps::PerCpuArray,
};
use copytax_common::{Call, Class, LossCounter, ProcessKey};

use crate::{
    completions, kernel::copy, layout::layout, loss, opaque, pieces, relay::Origin, sampling,
};

/// Steps of one call. The largest call moves 2 GiB (`MAX_RW_COUNT`), which is 32,768 granules; the
/// largest vector has 1,024 elements (`UIO_MAXIOV`).
const MAX_STEPS: u32 = 1 << 16;
/// Steps where the kernel has no `bpf_loop`.
const MAX_STEPS_UNROLLED: u32 = 8;

/// Size of `struct iovec`.
const IOVEC_SIZE: u64 = 16;
/// Size of `struct mmsghdr`, and offset of its `msg_len`.
pub(crate) const MMSGHDR_SIZE: u64 = 64;
pub(crate) const MSG_LEN_OFFSET: u64 = 56;
/// Offset of `msg_iov` in `struct msghdr`; `msg_iovlen` follows.
const MSG_IOV_OFFSET: u64 = 16;

const DONE: i64 = 1;
const MORE: i64 = 0;

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Direction {
    /// Into the process.
    Ingest = 0,
    /// Out of the process.
    Egress = 1,
    /// Out of the process, by reference instead of by a copy.
    ByReference = 2,
}

/// State of the walk.
///
/// Functions that hold this call others that change it, hence the cells.
#[repr(C)]
pub(crate) struct Walk {
    pub(crate) tag: Cell<u64>,
    pub(crate) process: Cell<ProcessKey>,
    /// Bytes of the current message behind the current segment.
    left: Cell<u64>,
    /// Bytes of all messages so far.
    total: Cell<u64>,
    /// Where the next piece begins, and the bytes of the segment from there on.
    pub(crate) cursor: Cell<u64>,
    pub(crate) segment_left: Cell<u64>,
    /// Where the first segment begins.
    first: Cell<u64>,
    /// The segment: address, bytes moved, bytes asked for.
    pub(crate) segment: Cell<u64>,
    pub(crate) segment_length: Cell<u64>,
    pub(crate) segment_wanted: Cell<u64>,
    /// Bytes of the segment that were relayed, and that were not.
    pub(crate) matched: Cell<u64>,
    pub(crate) gap: Cell<u64>,
    /// What a short write of a copy, or of a TLS record, has left: address, bytes, source.
    pub(crate) rest: Cell<u64>,
    pub(crate) rest_left: Cell<u64>,
    pub(crate) rest_origin: Cell<Origin>,
    /// What of a read, a copy of which is written, has chosen bytes still to be looked at: address,
    /// bytes.
    pub(crate) original: Cell<u64>,
    pub(crate) original_left: Cell<u64>,
    /// What is not yet known to be a mapping of a file or none: address, bytes.
    pub(crate) unmapped: Cell<u64>,
    pub(crate) unmapped_left: Cell<u64>,
    /// Vector elements to come.
    vector: Cell<u64>,
    vector_left: Cell<u64>,
    /// Messages to come.
    messages: Cell<u64>,
    messages_left: Cell<u64>,
    /// Flows that this call has counted in.
    pub(crate) seen: [Cell<u64>; 2],
    pub(crate) thread: Cell<u32>,
    /// [`Direction`]
    direction: Cell<u8>,
    /// [`copytax_common::EndpointKind`] of the call's descriptor.
    pub(crate) endpoint: Cell<u8>,
    /// Its file ([`crate::endpoint::Endpoint::id`]).
    pub(crate) file: Cell<u64>,
    pub(crate) call: Cell<u8>,
    pub(crate) has_first_piece: Cell<u8>,
    /// Whether the vector is in the memory of the kernel.
    is_kernel_vector: Cell<u8>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Walk {}

#[map]
static WALK: PerCpuArray<Walk> = PerCpuArray::with_max_entries(1, 0);

/// This CPU's state.
#[inline(always)]
pub(crate) fn current() -> Option<&'static Walk> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    WALK.get_ptr(0).map(|walk| unsafe { &*walk })
}

impl Walk {
    /// Whether the bytes leave the process by reference.
    #[inline(always)]
    pub(crate) fn is_by_reference(&self) -> bool {
        self.direction.get() == Direction::ByReference as u8
    }
}

/// Who calls, what, and on which endpoint.
pub(crate) struct Caller {
    pub(crate) process: ProcessKey,
    pub(crate) tag: u64,
    pub(crate) thread: u32,
    pub(crate) call: u8,
    /// [`copytax_common::EndpointKind`]
    pub(crate) endpoint: u8,
    pub(crate) file: u64,
    pub(crate) direction: Direction,
}

/// How a call's second and third argument describe its memory.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Shape {
    /// One buffer: address and length asked for.
    Buffer = 0,
    /// `struct iovec[]`: address and elements.
    Vector = 1,
    /// `struct msghdr`
    Message = 2,
    /// `struct mmsghdr[]`: address; as many as the call returned.
    Messages = 3,
    /// A copy of a `struct iovec[]` in the memory of the kernel: address and elements.
    KernelVector = 4,
}

/// Calls are fewer.
const CALLS: usize = 64;

static SHAPES: [u8; CALLS] = {
    let mut shapes = [Shape::Buffer as u8; CALLS];
    shapes[Call::Vmsplice as usize] = Shape::Vector as u8;
    shapes[Call::Readv as usize] = Shape::Vector as u8;
    shapes[Call::Preadv as usize] = Shape::Vector as u8;
    shapes[Call::Preadv2 as usize] = Shape::Vector as u8;
    shapes[Call::Writev as usize] = Shape::Vector as u8;
    shapes[Call::Pwritev as usize] = Shape::Vector as u8;
    shapes[Call::Pwritev2 as usize] = Shape::Vector as u8;
    shapes[Call::Recvmsg as usize] = Shape::Message as u8;
    shapes[Call::Sendmsg as usize] = Shape::Message as u8;
    shapes[Call::Recvmmsg as usize] = Shape::Messages as u8;
    shapes[Call::Sendmmsg as usize] = Shape::Messages as u8;
    shapes
};

/// The [`Shape`] of a read-like or write-like call.
#[inline(always)]
pub(crate) fn shape_of(call: u8) -> u8 {
    // SAFETY: the index is within the table.
    unsafe {
        (&raw const SHAPES)
            .cast::<u8>()
            .add(call as usize & (CALLS - 1))
            .read_volatile()
    }
}

/// Address of the first segment of the call walked last on this CPU.
#[inline(always)]
pub(crate) fn first_address() -> u64 {
    current().map_or(0, |walk| walk.first.get())
}

/// Walks a call that moved `result` bytes (messages, for [`Shape::Messages`]), and gives the bytes.
#[inline(always)]
pub(crate) fn walk(caller: &Caller, shape: u8, address: u64, length: u64, result: u64) -> u64 {
    let Some(walk) = current() else {
        return 0;
    };
    walk.tag.set(caller.tag);
    walk.process.set(caller.process);
    walk.thread.set(caller.thread);
    walk.direction.set(caller.direction as u8);
    walk.endpoint.set(caller.endpoint);
    walk.call.set(caller.call);
    walk.file.set(caller.file);
    walk_memory(u64::from(shape), address, length, result)
}

/// The walk, once its caller is set.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_memory(shape: u64, address: u64, length: u64, result: u64) -> u64 {
    let Some(walk) = current() else {
        return 0;
    };
    // Not `Cell::set`: the compiler would join the zeroes into a call of memset.
    opaque::set(&walk.seen[0], 0);
    opaque::set(&walk.seen[1], 0);
    opaque::set(&walk.first, 0);
    opaque::set(&walk.segment_left, 0);
    opaque::set(&walk.gap, 0);
    opaque::set(&walk.rest_left, 0);
    opaque::set(&walk.original_left, 0);
    opaque::set(&walk.unmapped_left, 0);
    opaque::set(&walk.vector_left, 0);
    opaque::set(&walk.messages_left, 0);
    walk.has_first_piece.set(0);
    let is_kernel_vector = shape == Shape::KernelVector as u64;
    walk.is_kernel_vector.set(u8::from(is_kernel_vector));
    walk.left.set(result);
    walk.total.set(result);
    if shape == Shape::Buffer as u64 {
        begin_segment(walk, address, length);
    } else if shape == Shape::Vector as u64 || is_kernel_vector {
        walk.vector.set(address);
        walk.vector_left.set(length);
    } else if shape == Shape::Message as u64 {
        begin_message(walk, address);
    } else {
        walk.left.set(0);
        walk.total.set(0);
        walk.messages.set(address);
        walk.messages_left.set(result);
    }
    finish(walk, run());
    walk.total.get()
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

/// Accounts for what was not walked.
#[inline(always)]
fn finish(walk: &Walk, done: bool) {
    let rest =
        walk.left.get() + walk.segment_left.get() + walk.unmapped_left.get() + walk.gap.get();
    if !done || walk.left.get() != 0 {
        loss::count(LossCounter::PiecesTruncated);
    }
    if walk.direction.get() != Direction::Ingest as u8 {
        if rest != 0 {
            pieces::emit(Class::Unknown, pieces::UNKNOWN, rest);
        } else if walk.has_first_piece.get() == 0 {
            pieces::emit(Class::Generated, pieces::PROCESS, 0);
        }
    }
    if walk.is_by_reference() {
        completions::send_end();
    }
}

/// [`step`] as a callback of `bpf_loop`, which must not be a global function.
#[inline(never)]
extern "C" fn loop_step(_index: u32, _context: *mut c_void) -> i64 {
    step()
}

/// One step.
#[inline(always)]
fn step() -> i64 {
    let Some(walk) = current() else {
        return DONE;
    };
    if sampling::is_on() && walk.original_left.get() != 0 {
        pieces::piece_original();
    } else if walk.rest_left.get() != 0 {
        pieces::piece_rest();
    } else if walk.unmapped_left.get() != 0 {
        pieces::piece_unmapped();
    } else if walk.segment_left.get() == 0 && !next_segment(walk) {
        return DONE;
    } else if walk.segment_left.get() != 0 {
        if walk.direction.get() == Direction::Ingest as u8 {
            pieces::piece_ingest();
        } else {
            pieces::piece_egress();
            if walk.segment_left.get() == 0 && walk.gap.get() != 0 {
                pieces::segment_end();
            }
        }
    }
    if walk.segment_left.get() == 0
        && walk.rest_left.get() == 0
        && (!sampling::is_on() || walk.original_left.get() == 0)
        && walk.unmapped_left.get() == 0
        && walk.vector_left.get() == 0
        && walk.messages_left.get() == 0
    {
        return DONE;
    }
    MORE
}

#[inline(always)]
fn begin_segment(walk: &Walk, address: u64, wanted: u64) {
    let left = walk.left.get();
    let length = if left < wanted { left } else { wanted };
    walk.left.set(left - length);
    walk.segment.set(address);
    if walk.first.get() == 0 {
        walk.first.set(address);
    }
    walk.cursor.set(address);
    walk.segment_length.set(length);
    walk.segment_left.set(length);
    walk.segment_wanted.set(wanted);
    opaque::set(&walk.matched, 0);
    opaque::set(&walk.gap, 0);
}

/// Loads the next vector element, or message; `false` when there is none. Not inlined: what it reads is
/// then not on the stack while the pieces are looked at.
#[inline(never)]
fn next_segment(walk: &Walk) -> bool {
    if walk.left.get() == 0 {
        walk.vector_left.set(0);
    }
    if walk.vector_left.get() == 0 {
        if walk.messages_left.get() == 0 {
            return false;
        }
        if walk.is_by_reference() {
            completions::next();
        }
        let message = walk.messages.get();
        walk.messages.set(message + MMSGHDR_SIZE);
        walk.messages_left.set(walk.messages_left.get() - 1);
        let length = u64::from(user::<u32>(message + MSG_LEN_OFFSET));
        walk.left.set(length);
        walk.total.set(walk.total.get() + length);
        begin_message(walk, message);
        return true;
    }
    let element = if walk.is_kernel_vector.get() == 0 {
        user::<[u64; 2]>(walk.vector.get())
    } else {
        copy(walk.vector.get())
    };
    walk.vector.set(walk.vector.get() + IOVEC_SIZE);
    walk.vector_left.set(walk.vector_left.get() - 1);
    begin_segment(walk, element[0], element[1]);
    true
}

/// Not inlined, as [`next_segment`].
#[inline(never)]
fn begin_message(walk: &Walk, message: u64) {
    let vector = message_vector(message);
    walk.vector.set(vector[0]);
    walk.vector_left.set(vector[1]);
}

/// Address and elements of the vector of a `struct msghdr`.
#[inline(always)]
pub(crate) fn message_vector(message: u64) -> [u64; 2] {
    user(message + MSG_IOV_OFFSET)
}

/// Reads user memory; all zero, and counted, where it cannot be read.
#[inline(always)]
pub(crate) fn user<T: Copy + Default>(address: u64) -> T {
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
