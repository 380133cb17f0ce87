//! `MSG_ZEROCOPY`: sockets that take the memory of a send by reference.

use core::{cell::Cell, ffi::c_void};

use aya_ebpf::{helpers::generated::bpf_loop, macros::map, maps::PerCpuArray};
use copytax_common::EndpointKind;

use crate::{
    account::Memory,
    completions::{Ids, SendKey},
    endpoint::{Endpoint, IPPROTO_TCP, IPPROTO_UDP},
    kernel::read,
    layout::layout,
    opaque,
    walk::{MMSGHDR_SIZE, MSG_LEN_OFFSET, Shape, user},
};

/// `include/linux/socket.h`
pub(crate) const MSG_ZEROCOPY: u64 = 0x0400_0000;

/// Whether the socket takes memory by reference when it is asked to.
///
/// Without `SO_ZEROCOPY` the flag is ignored, and protocols other than these copy whatever is asked
/// (`net/ipv4/tcp.c`, `net/ipv4/ip_output.c`, `net/vmw_vsock/virtio_transport_common.c`, Linux 6.18).
#[inline(always)]
pub(crate) fn is_honoured(sink: &Endpoint) -> bool {
    let sock = sink.sock();
    let flags: u64 = read(sock, layout!(id_sock), layout!(sock_flags));
    if flags >> (layout!(sock_zerocopy) & 63) & 1 == 0 {
        return false;
    }
    let protocol: u16 = read(sock, layout!(id_sock), layout!(sock_protocol));
    let kind = sink.kind;
    // MPTCP is of the kind of TCP, too.
    (kind == EndpointKind::Tcp as u8 && protocol == IPPROTO_TCP)
        || (kind == EndpointKind::Udp as u8 && protocol == IPPROTO_UDP)
        || kind == EndpointKind::Vsock as u8
}

/// What the completion of a send that has just returned will be told by.
///
/// A socket counts its sends. A send that fails takes no number, nor does an empty one, except that of a
/// datagram (`msg_zerocopy_realloc` of `net/core/skbuff.c` and its callers).
#[inline(always)]
pub(crate) fn key_of(sink: &Endpoint, memory: Memory, result: u64) -> (SendKey, Ids) {
    let counter: u32 = read(sink.sock(), layout!(id_sock), layout!(sock_zckey));
    let is_udp = sink.kind == EndpointKind::Udp as u8;
    let ids = if is_udp {
        Ids::CountedWithEmpty
    } else {
        Ids::Counted
    };
    let sends = if memory.shape != Shape::Messages as u8 {
        1
    } else if is_udp {
        result
    } else {
        messages_with_bytes(memory.address, result)
    };
    // A send on a vsock takes a number for each packet, and its last one tells of all.
    if sink.kind == EndpointKind::Vsock as u8 && sends != 1 {
        return (SendKey::NONE, ids);
    }
    let (owner, _) = sink.inode_and_device();
    let id = u64::from(counter.wrapping_sub(sends as u32));
    (SendKey { owner, id }, ids)
}

/// How many of `messages` at `address` have sent at least one byte.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn messages_with_bytes(address: u64, messages: u64) -> u64 {
    let Some(count) = COUNT.get_ptr(0) else {
        return 0;
    };
    // SAFETY: the element belongs to this CPU, where handlers do not interrupt each other.
    let count = unsafe { &*count };
    count.next.set(address);
    opaque::set(&count.with_bytes, 0);
    if layout!(has_loop) != 0 {
        // SAFETY: `count_step` has the signature of a loop callback.
        unsafe {
            let callback: extern "C" fn(u32, *mut c_void) -> i64 = count_step;
            bpf_loop(
                messages as u32,
                callback as *mut c_void,
                core::ptr::null_mut(),
                0,
            );
        }
    } else {
        for index in 0..MAX_MESSAGES_UNROLLED {
            if u64::from(index) < messages {
                count_message(count);
            }
        }
    }
    count.with_bytes.get()
}

/// Messages that are looked at where the kernel has no `bpf_loop`.
const MAX_MESSAGES_UNROLLED: u32 = 8;

/// State of [`messages_with_bytes`].
#[repr(C)]
struct Count {
    next: Cell<u64>,
    with_bytes: Cell<u64>,
}

// SAFETY: each CPU has its own, and handlers do not interrupt each other.
unsafe impl Sync for Count {}

#[map]
static COUNT: PerCpuArray<Count> = PerCpuArray::with_max_entries(1, 0);

#[inline(never)]
extern "C" fn count_step(_index: u32, _context: *mut c_void) -> i64 {
    if let Some(count) = COUNT.get_ptr(0) {
        // SAFETY: the element belongs to this CPU.
        count_message(unsafe { &*count });
    }
    0
}

#[inline(always)]
fn count_message(count: &Count) {
    let message = count.next.get();
    count.next.set(message + MMSGHDR_SIZE);
    if user::<u32>(message + MSG_LEN_OFFSET) != 0 {
        count.with_bytes.set(count.with_bytes.get() + 1);
    }
}
