//! The memory of a completed request, and the bytes that moved.

use core::cell::Cell;

use aya_ebpf::{macros::map, maps::PerCpuArray};

use super::{
    operation::{Form, Kind, RECVMSG},
    provided,
    request::{BUNDLE, Request, SEND_VECTORIZED},
    vectors,
};
use crate::{account::Memory, walk::Shape};

/// `IORING_CQE_F_BUFFER`: the upper half of the flags is the id of a provided buffer.
pub(crate) const BUFFER: u32 = 1;

/// What [`uring_memory`] has found.
#[repr(C)]
struct Found {
    address: Cell<u64>,
    length: Cell<u64>,
    bytes: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Found {}

#[map]
static FOUND: PerCpuArray<Found> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn found() -> Option<&'static Found> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    FOUND.get_ptr(0).map(|found| unsafe { &*found })
}

/// A vector of which nothing is known.
const UNKNOWN: Memory = Memory {
    shape: Shape::KernelVector as u8,
    address: 0,
    length: 0,
};

/// The memory of `request`, which completed with `flags`, and how many of the bytes of its `result`
/// came from or went to its file. `is_armed`: more completions follow.
#[inline(always)]
pub(super) fn of(request: Request, result: u64, flags: u32, is_armed: bool) -> (Memory, u64) {
    let armed = u64::from(is_armed) << 32;
    let shape = uring_memory(request.0, result, u64::from(flags) | armed);
    match found() {
        Some(found) => (
            Memory {
                shape: shape as u8,
                address: found.address.get(),
                length: found.length.get(),
            },
            found.bytes.get(),
        ),
        None => (UNKNOWN, result),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn uring_memory(request: u64, result: u64, flags: u64) -> u64 {
    let request = Request(request);
    let Some(found) = found() else {
        return u64::from(UNKNOWN.shape);
    };
    found.bytes.set(result);
    let kind = Kind::of(request.operation());
    let memory = if kind.is(Form::Buffer) {
        read_or_write(request, result)
    } else if kind.is(Form::Vector) {
        if request.selects_buffer() {
            read_or_write(request, result)
        } else {
            kept(request)
        }
    } else if flags as u32 & BUFFER != 0 {
        let (memory, header) = selected(request, result, flags);
        found.bytes.set(result.saturating_sub(header));
        memory
    } else if kind.is(Form::Message) || request.send_flags() & SEND_VECTORIZED != 0 {
        kept(request)
    } else {
        buffer(transmitted(request), whole(request))
    };
    found.address.set(memory.address);
    found.length.set(memory.length);
    u64::from(memory.shape)
}

#[inline(always)]
const fn buffer(address: u64, length: u64) -> Memory {
    Memory {
        shape: Shape::Buffer as u8,
        address,
        length,
    }
}

/// `struct io_rw`: a provided buffer is noted there too, without its length when more follows
/// (`io_uring/rw.c`, Linux 6.18).
#[inline(always)]
fn read_or_write(request: Request, result: u64) -> Memory {
    let length = u64::from(request.rw_length());
    buffer(
        request.rw_address(),
        if length == 0 { result } else { length },
    )
}

/// Where the buffer of a send or receive begins: the kernel moves it on as it retries
/// (`io_uring/net.c`, Linux 6.18).
#[inline(always)]
fn transmitted(request: Request) -> u64 {
    request.buffer().wrapping_sub(u64::from(request.done()))
}

/// Bytes that a send or receive asked for.
#[inline(always)]
fn whole(request: Request) -> u64 {
    u64::from(request.length()) + u64::from(request.done())
}

/// The vector as it was when the request was submitted.
#[inline(always)]
fn kept(request: Request) -> Memory {
    let kept = vectors::take(request.0);
    Memory {
        shape: Shape::KernelVector as u8,
        address: kept.address,
        length: kept.count,
    }
}

/// The provided buffer, or buffers, that the kernel chose, and the bytes before what was received.
#[inline(always)]
fn selected(request: Request, result: u64, flags: u64) -> (Memory, u64) {
    let id = (flags as u32 >> 16) as u16;
    let is_armed = flags >> 32 != 0;
    let is_message = request.operation() == RECVMSG;
    if request.send_flags() & BUNDLE != 0 {
        return (bundle(request, id, result), 0);
    }
    if is_armed {
        let (address, header) = provided::armed(request, is_message);
        if address == 0 {
            return (UNKNOWN, 0);
        }
        return (buffer(address, result - header.min(result)), header);
    }
    // Before 6.10 the address is left where the request had its own; a `struct msghdr` stays there.
    let noted = if is_message { 0 } else { transmitted(request) };
    if noted != 0 {
        return (buffer(noted, whole(request)), 0);
    }
    match provided::single(request, id) {
        0 => (UNKNOWN, 0),
        address => (buffer(address, result), 0),
    }
}

#[inline(always)]
fn bundle(request: Request, id: u16, result: u64) -> Memory {
    let count = provided::several(request, id, result);
    let kept = vectors::current(count);
    Memory {
        shape: Shape::KernelVector as u8,
        address: kept.address,
        length: kept.count,
    }
}
