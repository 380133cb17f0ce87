//! Completions of sends by reference, in what a process reads from the error queue of a socket.

use core::{cell::Cell, ffi::c_void};

use aya_ebpf::{helpers::generated::bpf_loop, macros::map, maps::PerCpuArray};
use copytax_common::Call;

use crate::{
    completions::{self, Verdict, WAITING},
    endpoint::Endpoint,
    layout::layout,
    opaque,
    walk::{MMSGHDR_SIZE, MSG_LEN_OFFSET, user},
};

/// `include/linux/socket.h`
pub(crate) const MSG_ERRQUEUE: u64 = 0x2000;

/// Offset of `msg_control` in `struct msghdr`; `msg_controllen` follows.
const MSG_CONTROL_OFFSET: u64 = 32;
/// Size of `struct cmsghdr`.
const CMSGHDR_SIZE: u64 = 16;

/// `cmsg_level` and `cmsg_type` of a `struct sock_extended_err`: `SOL_IP` and `IP_RECVERR`, `SOL_IPV6`
/// and `IPV6_RECVERR`, `SOL_VSOCK` and `VSOCK_RECVERR`.
const IP_ERROR: u64 = 11 << 32;
const IPV6_ERROR: u64 = 25 << 32 | 41;
const VSOCK_ERROR: u64 = 1 << 32 | 287;

/// `include/uapi/linux/errqueue.h`
const SO_EE_ORIGIN_ZEROCOPY: u8 = 5;
const SO_EE_CODE_ZEROCOPY_COPIED: u8 = 1;

/// Ids of a completion that may be of sends that have yet to be accounted for: its last ones.
const EARLY: u32 = 16;

/// Steps of one call: each message, each control message and each completed send takes one.
const MAX_STEPS: u32 = 1 << 16;
/// Steps where the kernel has no `bpf_loop`.
const MAX_STEPS_UNROLLED: u32 = 8;

const DONE: i64 = 1;
const MORE: i64 = 0;

/// State of the search. Functions that hold it call others, hence the cells.
#[repr(C)]
struct Search {
    /// The socket's inode number.
    socket: Cell<u64>,
    /// Control messages to come.
    control: Cell<u64>,
    control_left: Cell<u64>,
    /// Messages to come.
    messages: Cell<u64>,
    messages_left: Cell<u64>,
    /// `msg_len` of all messages so far.
    bytes: Cell<u64>,
    /// Completed sends to come.
    id: Cell<u32>,
    ids_left: Cell<u32>,
    verdict: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Search {}

#[map]
static ERROR_QUEUE: PerCpuArray<Search> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn current() -> Option<&'static Search> {
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    ERROR_QUEUE.get_ptr(0).map(|search| unsafe { &*search })
}

/// Looks at what `call` read from the error queue of `socket` into the message (or messages) at
/// `address`, and gives the bytes that it read.
#[inline(always)]
pub(crate) fn read(socket: &Endpoint, call: u8, address: u64, result: u64) -> u64 {
    if call == Call::Recvfrom as u8 {
        return result;
    }
    let (inode, _) = socket.inode_and_device();
    let is_one = call != Call::Recvmmsg as u8;
    let bytes = error_queue_read(inode, address, result, u64::from(is_one));
    if is_one { result } else { bytes }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn error_queue_read(inode: u64, address: u64, result: u64, is_one: u64) -> u64 {
    let Some(search) = current() else {
        return 0;
    };
    // Not `Cell::set`: the compiler would join the zeroes into a call of memset.
    search.socket.set(inode);
    opaque::set(&search.control_left, 0);
    opaque::set(&search.messages_left, 0);
    opaque::set(&search.bytes, 0);
    opaque::set(&search.ids_left, 0);
    if is_one != 0 {
        begin_message(search, address);
    } else {
        search.messages.set(address);
        search.messages_left.set(result);
    }
    if layout!(has_loop) != 0 {
        // SAFETY: `search_step` has the signature of a loop callback.
        unsafe {
            let callback: extern "C" fn(u32, *mut c_void) -> i64 = search_step;
            bpf_loop(MAX_STEPS, callback as *mut c_void, core::ptr::null_mut(), 0);
        }
    } else {
        for _ in 0..MAX_STEPS_UNROLLED {
            if step() == DONE {
                break;
            }
        }
    }
    search.bytes.get()
}

/// [`step`] as a callback of `bpf_loop`, which must not be a global function.
#[inline(never)]
extern "C" fn search_step(_index: u32, _context: *mut c_void) -> i64 {
    step()
}

#[inline(always)]
fn step() -> i64 {
    let Some(search) = current() else {
        return DONE;
    };
    let ids_left = search.ids_left.get();
    if ids_left != 0 {
        let id = search.id.get();
        search.id.set(id.wrapping_add(1));
        search.ids_left.set(ids_left - 1);
        completions::send_completed(
            search.socket.get(),
            u64::from(id),
            search.verdict.get(),
            u64::from(ids_left <= EARLY),
        );
    } else if search.control_left.get() >= CMSGHDR_SIZE {
        next_control(search);
    } else if search.messages_left.get() != 0 {
        let message = search.messages.get();
        search.messages.set(message + MMSGHDR_SIZE);
        search.messages_left.set(search.messages_left.get() - 1);
        let length = u64::from(user::<u32>(message + MSG_LEN_OFFSET));
        search.bytes.set(search.bytes.get() + length);
        begin_message(search, message);
    } else {
        return DONE;
    }
    MORE
}

/// The kernel has left the length of the control messages in the message that it was given.
#[inline(always)]
fn begin_message(search: &Search, message: u64) {
    let control: [u64; 2] = user(message + MSG_CONTROL_OFFSET);
    search.control.set(control[0]);
    search.control_left.set(control[1]);
}

#[inline(always)]
fn next_control(search: &Search) {
    let at = search.control.get();
    let left = search.control_left.get();
    let [length, level_and_type] = user::<[u64; 2]>(at);
    let next = length.wrapping_add(7) & !7;
    if length < CMSGHDR_SIZE || length > left {
        opaque::set(&search.control_left, 0);
        return;
    }
    search.control.set(at + next);
    search.control_left.set(left.saturating_sub(next));
    let is_error = matches!(level_and_type, IP_ERROR | IPV6_ERROR | VSOCK_ERROR);
    if !is_error || length < 2 * CMSGHDR_SIZE {
        return;
    }
    let [errno_and_kind, range] = user::<[u64; 2]>(at + CMSGHDR_SIZE);
    let [_, _, _, _, origin, _, code, _] = errno_and_kind.to_le_bytes();
    if origin != SO_EE_ORIGIN_ZEROCOPY {
        return;
    }
    let (first, last) = (range as u32, (range >> 32) as u32);
    // More cannot be waiting.
    let before = last.wrapping_sub(first).min(WAITING - 1);
    search.id.set(last.wrapping_sub(before));
    search.ids_left.set(before + 1);
    search
        .verdict
        .set(if code & SO_EE_CODE_ZEROCOPY_COPIED != 0 {
            Verdict::Copied as u64
        } else {
            Verdict::Shared as u64
        });
}
