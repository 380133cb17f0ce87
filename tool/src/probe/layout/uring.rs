//! io_uring of the running kernel, from its BTF.

use copytax_common::UringLayout;

use super::{offset, structure};
use crate::model::Engine;
use crate::probe::btf::Btf;
use crate::probe::{ProbeError, tracefs};

/// Category of the tracepoints.
pub(crate) const CATEGORY: &str = "io_uring";
/// Fires for each completion.
pub(crate) const COMPLETE: &str = "io_uring_complete";
/// Fires for a completion that finds no room.
pub(crate) const OVERFLOW: &str = "io_uring_cqe_overflow";
/// Fires for each submission: its name, and the one it had before 6.4.
const SUBMIT: [&str; 2] = ["io_uring_submit_req", "io_uring_submit_sqe"];

/// Parameters of [`COMPLETE`], with the one that every tracepoint has, where it passes the entry of
/// the completion queue.
const PARAMETERS_WITH_ENTRY: u32 = 4;

/// The tracepoint that fires for each submission; `None` where the kernel has no io_uring.
pub(crate) fn submit_tracepoint(btf: &Btf<'_>) -> Option<&'static str> {
    SUBMIT
        .into_iter()
        .find(|name| btf.typedef(&format!("btf_trace_{name}")).is_some())
}

/// What the kernel half needs to know of io_uring.
///
/// # Errors
///
/// Where the kernel lacks something that it cannot do without.
pub(crate) fn of_kernel(
    btf: &Btf<'_>,
    engine: Engine,
    submit: &str,
) -> Result<UringLayout, ProbeError> {
    let at = |structure: &str, member: &str| offset(btf, structure, member);
    let optional = |structure: &str, member: &str| at(structure, member).unwrap_or(0);
    let id = |name: &str| structure(btf, name);
    let optional_id = |name: &str| id(name).unwrap_or(0);
    let parameters = btf.parameters(&format!("btf_trace_{COMPLETE}"));
    let parameters =
        parameters.ok_or_else(|| ProbeError::Layout(format!("tracepoint {COMPLETE}")))?;
    let layout = UringLayout {
        available: 1,
        request_file: at("io_kiocb", "file")?,
        request_opcode: at("io_kiocb", "opcode")?,
        request_flags: at("io_kiocb", "flags")?,
        request_user_data: at("io_kiocb", "cqe")? + at("io_cqe", "user_data")?,
        request_result: at("io_kiocb", "cqe")? + at("io_cqe", "res")?,
        request_ctx: at("io_kiocb", "ctx")?,
        request_tctx: optional("io_kiocb", "tctx"),
        request_task: optional("io_kiocb", "task"),
        request_async_data: at("io_kiocb", "async_data")?,
        request_buf_list: optional("io_kiocb", "buf_list"),
        tctx_task: optional("io_uring_task", "task"),
        rw_addr: at("io_rw", "addr")?,
        rw_len: at("io_rw", "len")?,
        message_buf: at("io_sr_msg", "buf")?,
        message_len: at("io_sr_msg", "len")?,
        message_done_io: at("io_sr_msg", "done_io")?,
        message_msg_flags: at("io_sr_msg", "msg_flags")?,
        message_flags: at("io_sr_msg", "flags")?,
        message_buf_group: at("io_sr_msg", "buf_group")?,
        message_notif: optional("io_sr_msg", "notif"),
        splice_fd_in: at("io_splice", "splice_fd_in")?,
        splice_flags: at("io_splice", "flags")?,
        splice_rsrc_node: optional("io_splice", "rsrc_node"),
        rsrc_node_file_ptr: optional("io_rsrc_node", "file_ptr"),
        ctx_fixed_files: at("io_file_table", "files")
            .and_then(|files| Ok(at("io_ring_ctx", "file_table")? + files))
            .unwrap_or(0),
        ctx_buffer_lists: at("xarray", "xa_head")
            .and_then(|head| Ok(at("io_ring_ctx", "io_bl_xa")? + head))
            .unwrap_or(0),
        ctx_buffer_array: optional("io_ring_ctx", "io_bl"),
        xa_node_shift: optional("xa_node", "shift"),
        xa_node_slots: optional("xa_node", "slots"),
        buffer_list_ring: optional("io_buffer_list", "buf_ring"),
        buffer_list_head: optional("io_buffer_list", "head"),
        buffer_list_mask: optional("io_buffer_list", "mask"),
        buffer_list_bgid: optional("io_buffer_list", "bgid"),
        buffer_list_flags: optional("io_buffer_list", "flags"),
        buffer_list_is_ring: is_ring(btf).unwrap_or(0),
        buffer_list_size: btf.size(optional_id("io_buffer_list")).unwrap_or(0),
        async_message_namelen: optional("io_async_msghdr", "namelen"),
        async_message_controllen: optional("io_async_msghdr", "controllen"),
        async_message_buffer: received_to(btf).unwrap_or(0),
        id_request: id("io_kiocb")?,
        id_tctx: optional_id("io_uring_task"),
        id_task: id("task_struct")?,
        id_rw: id("io_rw")?,
        id_message: id("io_sr_msg")?,
        id_splice: id("io_splice")?,
        id_ctx: id("io_ring_ctx")?,
        id_xa_node: optional_id("xa_node"),
        id_buffer_list: optional_id("io_buffer_list"),
        id_async_message: optional_id("io_async_msghdr"),
        complete_has_entry: u32::from(parameters == PARAMETERS_WITH_ENTRY),
        ..UringLayout::UNKNOWN
    };
    match engine {
        Engine::Raw => Ok(layout),
        Engine::Tracepoint => with_records(layout, submit),
    }
}

/// Where a list of buffers says that it is a ring, by a byte that is not 0: its name in 6.9, in 6.4, and
/// before that (`buf_nr_pages`, of which the lower byte is enough: there are at most 128).
fn is_ring(btf: &Btf<'_>) -> Option<u32> {
    ["is_buf_ring", "is_mapped", "buf_nr_pages"]
        .into_iter()
        .find_map(|member| offset(btf, "io_buffer_list", member).ok())
}

/// Where the state of a receive has the address of its buffer.
fn received_to(btf: &Btf<'_>) -> Result<u32, ProbeError> {
    Ok(offset(btf, "io_async_msghdr", "msg")?
        + offset(btf, "msghdr", "msg_iter")?
        + offset(btf, "iov_iter", "ubuf")?)
}

fn with_records(layout: UringLayout, submit: &str) -> Result<UringLayout, ProbeError> {
    let complete = |field| tracefs::field_offset(CATEGORY, COMPLETE, field);
    Ok(UringLayout {
        record_complete_ctx: complete("ctx")?,
        record_complete_request: complete("req")?,
        record_complete_user_data: complete("user_data")?,
        record_complete_result: complete("res")?,
        record_complete_flags: complete("cflags")?,
        record_submit_request: tracefs::field_offset(CATEGORY, submit, "req")?,
        ..layout
    })
}
