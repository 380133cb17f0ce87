//! Provided buffers: the completion has the id of the one that the kernel chose, not its address.

use super::{
    request::Request,
    vectors::{self, ELEMENTS},
};
use crate::{
    kernel::{copy, read, untyped},
    layout::layout,
};

/// Size of `struct io_uring_buf` (`include/uapi/linux/io_uring.h`), and where its members are.
const BUFFER_SIZE: u64 = 16;
const BUFFER_LENGTH: u32 = 8;
const BUFFER_ID: u32 = 12;
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
    /// The next buffer to be used.
    head: u16,
}

impl Ring {
    /// That of the group which a send or receive takes its buffers from.
    #[inline(always)]
    fn of(request: Request) -> Option<Self> {
        let list = list_of_completed(request);
        let id = layout!(uring.id_buffer_list);
        if list == 0 || !is_usable(list) {
            return None;
        }
        let mask: u16 = read(list, id, layout!(uring.buffer_list_mask));
        Some(Self {
            address: copy(list + u64::from(layout!(uring.buffer_list_ring))),
            mask,
            head: read(list, id, layout!(uring.buffer_list_head)),
        })
    }

    #[inline(always)]
    fn slot(&self, position: u16) -> u64 {
        self.address
            .wrapping_add(u64::from(position & self.mask) * BUFFER_SIZE)
    }

    /// Where the buffer with this id was, among those used last.
    #[inline(always)]
    fn find(&self, id: u16) -> Option<u16> {
        for back in 1..=REACH {
            let position = self.head.wrapping_sub(back);
            if field::<u16>(self.slot(position), BUFFER_ID) == id {
                return Some(position);
            }
        }
        None
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

/// A member of a `struct io_uring_buf`, which the process can write to.
#[inline(always)]
fn field<T: Copy + Default>(buffer: u64, offset: u32) -> T {
    copy(buffer.wrapping_add(u64::from(offset)))
}

/// Address of the `struct io_buffer_list` that a request has taken its buffers from.
#[inline(always)]
fn list_of_completed(request: Request) -> u64 {
    let context = request.context();
    if layout!(uring.buffer_list_flags) != 0 {
        return list_of(context, u64::from(request.buffer_group()));
    }
    // Not all requests keep the number of their group before that, but they keep the list. Where it is a
    // classic buffer instead, it is not the list of what is read as its number.
    let list = request.buffer_list();
    let group: u16 = copy(list.wrapping_add(u64::from(layout!(uring.buffer_list_bgid))));
    if list_of(context, u64::from(group)) == list {
        list
    } else {
        0
    }
}

/// Address of the `struct io_buffer_list` of a group: a look-up in an array, or in an XArray.
#[inline(always)]
fn list_of(context: u64, group: u64) -> u64 {
    if layout!(uring.ctx_buffer_array) != 0 && group < ARRAY {
        let array: u64 = copy(untyped(context) + u64::from(layout!(uring.ctx_buffer_array)));
        // It is made with the first group that belongs there (`io_init_bl_list`).
        if array != 0 {
            return array + group * u64::from(layout!(uring.buffer_list_size));
        }
    }
    if layout!(uring.ctx_buffer_lists) == 0 {
        return 0;
    }
    let id = layout!(uring.id_xa_node);
    let mut entry: u64 = read(
        context,
        layout!(uring.id_ctx),
        layout!(uring.ctx_buffer_lists),
    );
    for _ in 0..XARRAY_LEVELS {
        if entry & 3 != NODE {
            break;
        }
        let node = entry - NODE;
        let shift: u8 = read(node, id, layout!(uring.xa_node_shift));
        let slot = (group >> (shift & 15)) & 63;
        let slots = node + u64::from(layout!(uring.xa_node_slots));
        entry = copy(slots + slot * 8);
    }
    if entry & 3 == 0 { entry } else { 0 }
}

/// Address of the one buffer with this id, 0 where it is not known.
#[inline(always)]
pub(super) fn single(request: Request, id: u16) -> u64 {
    let Some(ring) = Ring::of(request) else {
        return 0;
    };
    ring.find(id)
        .map_or(0, |position| field(ring.slot(position), 0))
}

/// Makes a vector of the buffers from this id on that `bytes` fill; gives its length.
#[inline(always)]
pub(super) fn several(request: Request, id: u16, bytes: u64) -> u64 {
    let Some(ring) = Ring::of(request) else {
        return 0;
    };
    let Some(first) = ring.find(id) else {
        return 0;
    };
    let mut left = bytes;
    for index in 0..ELEMENTS as u16 {
        if left == 0 {
            return u64::from(index);
        }
        let slot = ring.slot(first.wrapping_add(index));
        let length = u64::from(field::<u32>(slot, BUFFER_LENGTH));
        vectors::set(index, [field(slot, 0), length]);
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
