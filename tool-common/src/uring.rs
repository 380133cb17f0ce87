//! What the kernel half needs to know of the running kernel's io_uring.

/// Offsets and type ids of io_uring's structures, from the kernel's BTF. Offsets in bytes; 0 where
/// the kernel has no such field, which none of these can be otherwise, unless it says so.
///
/// Field names are `structure_member` of the kernel's source; `request` is its `io_kiocb`, `message`
/// its `io_sr_msg`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the kernel's own name")]
pub struct UringLayout {
    /// 1 where io_uring is accounted.
    pub available: u32,
    /// First member: 0 is its offset.
    pub request_file: u32,
    pub request_opcode: u32,
    pub request_flags: u32,
    pub request_user_data: u32,
    pub request_result: u32,
    pub request_ctx: u32,
    /// 6.13 and later; before, `request_task`.
    pub request_tctx: u32,
    pub request_task: u32,
    pub request_async_data: u32,
    pub request_buf_list: u32,
    /// `struct io_uring_task`
    pub tctx_task: u32,
    pub rw_addr: u32,
    pub rw_len: u32,
    pub message_buf: u32,
    pub message_len: u32,
    pub message_done_io: u32,
    pub message_msg_flags: u32,
    pub message_flags: u32,
    pub message_buf_group: u32,
    pub message_notif: u32,
    pub splice_fd_in: u32,
    pub splice_flags: u32,
    /// 6.13 and later; before, `ctx_fixed_files`.
    pub splice_rsrc_node: u32,
    pub rsrc_node_file_ptr: u32,
    /// `io_ring_ctx.file_table.files`
    pub ctx_fixed_files: u32,
    /// `io_ring_ctx.io_bl_xa.xa_head`
    pub ctx_buffer_lists: u32,
    /// `io_ring_ctx.io_bl`: the first groups, before 6.8.
    pub ctx_buffer_array: u32,
    /// First member: 0 is its offset.
    pub xa_node_shift: u32,
    pub xa_node_slots: u32,
    /// First member: 0 is its offset.
    pub buffer_list_ring: u32,
    pub buffer_list_head: u32,
    pub buffer_list_mask: u32,
    pub buffer_list_bgid: u32,
    /// 6.12 and later; before, `buffer_list_is_ring`.
    pub buffer_list_flags: u32,
    /// A byte that is 0 where it is no ring.
    pub buffer_list_is_ring: u32,
    /// Bytes of the structure.
    pub buffer_list_size: u32,
    /// `struct io_async_msghdr`; 0 may be its offset.
    pub async_message_namelen: u32,
    pub async_message_controllen: u32,
    /// `msg.msg_iter.ubuf`
    pub async_message_buffer: u32,
    /// Type ids for `bpf_rdonly_cast`.
    pub id_request: u32,
    pub id_tctx: u32,
    pub id_task: u32,
    pub id_rw: u32,
    pub id_message: u32,
    pub id_splice: u32,
    pub id_ctx: u32,
    pub id_xa_node: u32,
    pub id_buffer_list: u32,
    pub id_async_message: u32,
    /// 1 where `io_uring_complete` passes the completion queue entry (6.15 and later), 0 where it
    /// passes its members.
    pub complete_has_entry: u32,
    /// Offsets in the tracepoints' records.
    pub record_complete_ctx: u32,
    pub record_complete_request: u32,
    pub record_complete_user_data: u32,
    pub record_complete_result: u32,
    pub record_complete_flags: u32,
    pub record_submit_request: u32,
}

const _: () = assert!(size_of::<UringLayout>() == 57 * 4 && align_of::<UringLayout>() == 4);

impl UringLayout {
    /// io_uring is not accounted.
    pub const UNKNOWN: Self = Self {
        available: 0,
        request_file: 0,
        request_opcode: 0,
        request_flags: 0,
        request_user_data: 0,
        request_result: 0,
        request_ctx: 0,
        request_tctx: 0,
        request_task: 0,
        request_async_data: 0,
        request_buf_list: 0,
        tctx_task: 0,
        rw_addr: 0,
        rw_len: 0,
        message_buf: 0,
        message_len: 0,
        message_done_io: 0,
        message_msg_flags: 0,
        message_flags: 0,
        message_buf_group: 0,
        message_notif: 0,
        splice_fd_in: 0,
        splice_flags: 0,
        splice_rsrc_node: 0,
        rsrc_node_file_ptr: 0,
        ctx_fixed_files: 0,
        ctx_buffer_lists: 0,
        ctx_buffer_array: 0,
        xa_node_shift: 0,
        xa_node_slots: 0,
        buffer_list_ring: 0,
        buffer_list_head: 0,
        buffer_list_mask: 0,
        buffer_list_bgid: 0,
        buffer_list_flags: 0,
        buffer_list_is_ring: 0,
        buffer_list_size: 0,
        async_message_namelen: 0,
        async_message_controllen: 0,
        async_message_buffer: 0,
        id_request: 0,
        id_tctx: 0,
        id_task: 0,
        id_rw: 0,
        id_message: 0,
        id_splice: 0,
        id_ctx: 0,
        id_xa_node: 0,
        id_buffer_list: 0,
        id_async_message: 0,
        complete_has_entry: 0,
        record_complete_ctx: 0,
        record_complete_request: 0,
        record_complete_user_data: 0,
        record_complete_result: 0,
        record_complete_flags: 0,
        record_submit_request: 0,
    };
}
