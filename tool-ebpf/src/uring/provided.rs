//! Provided buffers: the completion has the id of the one that the kernel chose, not its address.

use super::{
    request::Request,
    vectors::{self, ELEMENTS},
};
use crate::{
    kernel::{number, read},
    layout::layout,
};

/// Size of `struct io_uring_buf` (`include/uapi/linux/io_uring.h`): address, then length (32 bits), id
/// (16 bits) and what is reserved.
const BUFFER_SIZE: u64 = 16;
/// Size of `struct io_uring_recvmsg_out`, which begins the buffer of an armed `RECVMSG`.
const RECVMSG_OUT_SIZE: u64 = 16;

/// `IOBL_BUF_RING` of `io_buffer_list.flags` (`io_uring/kbuf.h`, Linux 6.12).
const RING: u16 = 1;
/// `IOBL_INC`, which has changed its place: buffers of the ring are used up piece by piece.
const INCREMENTAL: u16 = 2 | 4;

/// Requests that complete together use up that many buffers at most before the first of them is
/// looked for; older ones are not found.
const REACH: u16 = 32;

/// `BGID_ARRAY`, `io_uring/kbuf.c` of 6.1: groups that have an array.
const ARRAY: u64 = 64;
/// Groups have 16-bit numbers, a node of the XArray has 6 of the bits.
const XARRAY_LEVELS: u32 = 3;
/// Entries of the XArray that are nodes end like this (`include/linux/xarray.h`).
const NODE: u64 = 2;

/// A ring of provided buffers.
struct Ring {
    address: u64,
    mask: u16,
}

impl Ring {
    #[inline(always)]
    fn of_list(list: u64) -> Self {
        Self {
            address: number(list + u64::from(layout!(uring.buffer_list_ring))),
            mask: read(
                list,
                layout!(uring.id_buffer_list),
                layout!(uring.buffer_list_mask),
            ),
        }
    }

    #[inline(always)]
    fn slot(&self, position: u16) -> u64 {
        self.address
            .wrapping_add(u64::from(position & self.mask) * BUFFER_SIZE)
    }
}

/// Whether the `struct io_buffer_list` at this address is a ring whose buffers are used up whole.
#[inline(always)]
fn is_usable(list: u64) -> bool {
    let id = layout!(uring.id_buffer_list);
    if layout!(uring.buffer_list_flags) == 0 {
        let is_ring: u8 = read(list, id, layout!(uring.buffer_list_is_ring));
        return layout!(uring.buffer_list_is_ring) != 0 && is_ring != 0;
    }
    let flags: u16 = read(list, id, layout!(uring.buffer_list_flags));
    flags & RING != 0 && flags & INCREMENTAL == 0
}

/// Address of the list that a request has taken its buffers from, if that is a ring, else 0.
#[inline(always)]
fn ring_of(request: Request) -> u64 {
    let list = list_of_completed(request);
    if list != 0 && is_usable(list) {
        list
    } else {
        0
    }
}

/// What [`uring_ring_find`] gives where there is no such buffer.
const NOWHERE: u64 = 1 << 16;

/// Where in the ring the buffer with this id was, among those used last.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn uring_ring_find(list: u64, wanted: u64) -> u64 {
    let ring = Ring::of_list(list);
    let head: u16 = read(
        list,
        layout!(uring.id_buffer_list),
        layout!(uring.buffer_list_head),
    );
    for back in 1..=REACH {
        let position = head.wrapping_sub(back);
        let (_, id) = length_and_id(ring.slot(position));
        if u64::from(id) == wanted {
            return u64::from(position);
        }
    }
    NOWHERE
}

/// Address of a `struct io_uring_buf`, which the process can write to.
#[inline(always)]
fn address_of(buffer: u64) -> u64 {
    number(buffer)
}

/// Its length and its id.
#[inline(always)]
fn length_and_id(buffer: u64) -> (u32, u16) {
    let word = number(buffer.wrapping_add(8));
    (word as u32, (word >> 32) as u16)
}

/// Address of the `struct io_buffer_list` that a request has taken its buffers from.
#[inline(always)]
fn list_of_completed(request: Request) -> u64 {
    let context = request.context();
    if layout!(uring.buffer_list_flags) != 0 {
        return uring_buffer_list(context, u64::from(request.buffer_group()));
    }
    // Not all requests keep the number of their group before that, but they keep the list. Where it is a
    // classic buffer instead, it is not the list of what is read as its number.
    let list = request.buffer_list();
    let id = layout!(uring.id_buffer_list);
    let group: u16 = read(list, id, layout!(uring.buffer_list_bgid));
    if uring_buffer_list(context, u64::from(group)) == list {
        list
    } else {
        0
    }
}

/// Address of the `struct io_buffer_list` of a group: a look-up in an array, or in an XArray.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn uring_buffer_list(context: u64, group: u64) -> u64 {
    if layout!(uring.ctx_buffer_array) != 0 && group < ARRAY {
        let array = number(context + u64::from(layout!(uring.ctx_buffer_array)));
        // It is made with the first group that belongs there (`io_init_bl_list`).
        if array != 0 {
            return array + group * u64::from(layout!(uring.buffer_list_size));
        }
    }
    if layout!(uring.ctx_buffer_lists) == 0 {
        return 0;
    }
    let id = layout!(uring.id_xa_node);
    let mut entry = number(context + u64::from(layout!(uring.ctx_buffer_lists)));
    for _ in 0..XARRAY_LEVELS {
        if entry & 3 != NODE {
            break;
        }
        let node = entry - NODE;
        let shift: u8 = read(node, id, layout!(uring.xa_node_shift));
        let slot = (group >> (shift & 15)) & 63;
        let slots = node + u64::from(layout!(uring.xa_node_slots));
        entry = number(slots + slot * 8);
    }
    if entry & 3 == 0 { entry } else { 0 }
}

/// Address of the one buffer with this id, 0 where it is not known.
#[inline(always)]
pub(super) fn single(request: Request, id: u16) -> u64 {
    let list = ring_of(request);
    if list == 0 {
        return 0;
    }
    let position = uring_ring_find(list, u64::from(id));
    if position == NOWHERE {
        return 0;
    }
    address_of(Ring::of_list(list).slot(position as u16))
}

/// Makes a vector of the buffers from this id on that `bytes` fill; gives its length.
#[inline(always)]
pub(super) fn several(request: Request, id: u16, bytes: u64) -> u64 {
    let list = ring_of(request);
    if list == 0 {
        return 0;
    }
    let first = uring_ring_find(list, u64::from(id));
    if first == NOWHERE {
        return 0;
    }
    let (ring, first) = (Ring::of_list(list), first as u16);
    let mut left = bytes;
    for index in 0..ELEMENTS as u16 {
        if left == 0 {
            return u64::from(index);
        }
        let slot = ring.slot(first.wrapping_add(index));
        let length = u64::from(length_and_id(slot).0);
        vectors::set(index, [address_of(slot), length]);
        left = left.saturating_sub(length);
    }
    ELEMENTS as u64
}

/// Where a request that stays armed has received to, and the bytes of the completion that are not
/// what was received: its state is still there (`struct io_async_msghdr`). Before 6.10 that is on the
/// kernel's stack until a `RECVMSG` has waited for the first time: an address of 0.
#[inline(always)]
pub(super) fn armed(request: Request, is_message: bool) -> (u64, u64) {
    let state = request.async_data();
    if state == 0 && !is_message {
        // Before 6.10 the command itself has the buffer (`io_recv` of `io_uring/net.c`).
        return (request.buffer(), 0);
    }
    let id = layout!(uring.id_async_message);
    let address = read(state, id, layout!(uring.async_message_buffer));
    if !is_message {
        return (address, 0);
    }
    let name: u32 = read(state, id, layout!(uring.async_message_namelen));
    let control: u64 = read(state, id, layout!(uring.async_message_controllen));
    (address, RECVMSG_OUT_SIZE + u64::from(name) + control)
}
