//! A request of io_uring: `struct io_kiocb` and the command in it.

use crate::{
    kernel::{number, read},
    layout::layout,
};

/// `IOSQE_BUFFER_SELECT`, which `io_kiocb.flags` begin with: the kernel chooses a provided buffer.
const BUFFER_SELECT: u32 = 1 << 5;
/// `IOSQE_CQE_SKIP_SUCCESS`: success has no completion.
const SKIP_SUCCESS: u32 = 1 << 6;

/// `ioprio` flags of sends and receives (`include/uapi/linux/io_uring.h`).
pub(crate) const RECV_MULTISHOT: u16 = 1 << 1;
pub(crate) const BUNDLE: u16 = 1 << 4;
pub(crate) const SEND_VECTORIZED: u16 = 1 << 5;

/// `include/linux/splice.h`
const SPLICE_F_FD_IN_FIXED: u32 = 1 << 31;
/// The lower bits of a pointer to a registered file are flags (`FFS_MASK`, `io_uring/filetable.h`).
const FILE_POINTER: u64 = !7;

/// Address of an `io_kiocb`.
#[derive(Clone, Copy)]
pub(crate) struct Request(pub(crate) u64);

/// A field of the request itself, or of the command in it.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $value:ty = $structure:ident.$field:ident;)*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub(crate) fn $name(self) -> $value {
                read(self.0, layout!(uring.$structure), layout!(uring.$field))
            }
        )*
    };
}

impl Request {
    fields! {
        operation: u8 = id_request.request_opcode;
        flags: u32 = id_request.request_flags;
        user_data: u64 = id_request.request_user_data;
        /// Its result, once it is complete.
        result: i32 = id_request.request_result;
        async_data: u64 = id_request.request_async_data;
        rw_address: u64 = id_rw.rw_addr;
        rw_length: u32 = id_rw.rw_len;
        length: u32 = id_message.message_len;
        /// Bytes that earlier attempts have moved.
        done: u32 = id_message.message_done_io;
        /// `MSG_*`
        message_flags: u32 = id_message.message_msg_flags;
        /// `IORING_RECVSEND_*` and the like.
        send_flags: u16 = id_message.message_flags;
        /// Address of the request that is its notification.
        notification: u64 = id_message.message_notif;
        buffer_group: u16 = id_message.message_buf_group;
        splice_flags: u32 = id_splice.splice_flags;
        splice_input: u32 = id_splice.splice_fd_in;
    }

    /// Its file, 0 where it came to none.
    #[inline(always)]
    pub(crate) fn file(self) -> u64 {
        number(self.0 + u64::from(layout!(uring.request_file)))
    }

    /// Address of its `io_ring_ctx`.
    #[inline(always)]
    pub(crate) fn context(self) -> u64 {
        number(self.0 + u64::from(layout!(uring.request_ctx)))
    }

    /// The buffer, behind what earlier attempts have moved; or the `struct msghdr`.
    #[inline(always)]
    pub(crate) fn buffer(self) -> u64 {
        number(self.0 + u64::from(layout!(uring.message_buf)))
    }

    /// The `struct io_buffer_list` of its buffer, or the `struct io_buffer` itself, before 6.12; 0 where
    /// it has none any more.
    #[inline(always)]
    pub(crate) fn buffer_list(self) -> u64 {
        match layout!(uring.request_buf_list) {
            0 => 0,
            offset => number(self.0 + u64::from(offset)),
        }
    }

    /// Whether the kernel chooses its buffer.
    #[inline(always)]
    pub(crate) fn selects_buffer(self) -> bool {
        self.flags() & BUFFER_SELECT != 0
    }

    /// Whether it does not complete visibly unless it fails.
    #[inline(always)]
    pub(crate) fn skips_success(self) -> bool {
        self.flags() & SKIP_SUCCESS != 0
    }

    /// Address of the `task_struct` that submitted it.
    #[inline(always)]
    pub(crate) fn task(self) -> u64 {
        if layout!(uring.request_tctx) == 0 {
            return read(
                self.0,
                layout!(uring.id_request),
                layout!(uring.request_task),
            );
        }
        let context: u64 = read(
            self.0,
            layout!(uring.id_request),
            layout!(uring.request_tctx),
        );
        read(context, layout!(uring.id_tctx), layout!(uring.tctx_task))
    }

    /// Whether the file that a splice takes from is a registered one.
    #[inline(always)]
    pub(crate) fn has_fixed_input(self) -> bool {
        self.splice_flags() & SPLICE_F_FD_IN_FIXED != 0
    }

    /// The registered file that a splice takes from, 0 where it is not known.
    #[inline(always)]
    pub(crate) fn fixed_input(self) -> u64 {
        if layout!(uring.splice_rsrc_node) != 0 {
            let node = number(self.0 + u64::from(layout!(uring.splice_rsrc_node)));
            return number(node + u64::from(layout!(uring.rsrc_node_file_ptr))) & FILE_POINTER;
        }
        if layout!(uring.ctx_fixed_files) == 0 {
            return 0;
        }
        let table = number(self.context() + u64::from(layout!(uring.ctx_fixed_files)));
        number(table + u64::from(self.splice_input()) * 8) & FILE_POINTER
    }
}
