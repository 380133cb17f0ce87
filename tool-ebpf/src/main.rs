//! The kernel half of copytax: entry points.
//!
//! Two engines share one handler: a BTF-typed raw tracepoint on every system call exit, or the exit
//! tracepoints of the accounted calls only.
#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]
#![cfg(target_arch = "bpf")]
#![feature(asm_experimental_arch)]

mod account;
mod arch;
mod completions;
mod content;
mod endpoint;
mod error_queue;
mod flows;
mod handler;
mod kernel;
mod last_ingest;
mod layout;
mod lifecycle;
mod lock;
mod loss;
mod mapping;
mod msg_zerocopy;
mod opaque;
mod pieces;
mod pipes;
mod process;
mod recency;
mod relay;
mod sample;
mod sampling;
mod sharing;
mod target;
mod tls;
mod transfers;
mod uring;
mod walk;

use aya_ebpf::{
    helpers::generated::bpf_task_pt_regs,
    macros::{btf_tracepoint, perf_event, tracepoint},
    programs::{BtfTracePointContext, PerfEventContext, TracePointContext},
};
use layout::layout;
use uring::Completion;

/// Offset of `ret` in the record of an exit tracepoint (`struct syscall_trace_exit`,
/// `kernel/trace/trace.h`).
const RESULT_OFFSET: usize = 16;

/// Raw engine: `sys_exit(regs, ret)`.
#[btf_tracepoint(function = "sys_exit")]
#[inline(always)]
fn sys_exit_raw(context: BtfTracePointContext) -> i32 {
    handler::on_exit(context.arg(0), context.arg(1));
    0
}

/// Raw engine: `sched_process_fork`.
#[btf_tracepoint(function = "sched_process_fork")]
#[inline(always)]
fn fork_raw(context: BtfTracePointContext) -> i32 {
    lifecycle::on_fork_raw(&context);
    0
}

/// Raw engine: `sched_process_exec`.
#[btf_tracepoint(function = "sched_process_exec")]
#[inline(always)]
fn exec_raw(context: BtfTracePointContext) -> i32 {
    lifecycle::on_exec_raw(&context);
    0
}

/// Raw engine: `sched_process_exit`.
#[btf_tracepoint(function = "sched_process_exit")]
#[inline(always)]
fn exit_raw(_context: BtfTracePointContext) -> i32 {
    lifecycle::on_exit();
    0
}

/// Raw engine: `io_uring_complete(ctx, req, cqe)`, or with the members of the completion (6.14 and
/// before).
#[btf_tracepoint(function = "io_uring_complete")]
#[inline(always)]
fn uring_complete_raw(context: BtfTracePointContext) -> i32 {
    uring::on_complete(&Completion::of_raw(&context));
    0
}

/// Raw engine: `io_uring_submit_req(req)`, `io_uring_submit_sqe` before 6.4.
#[btf_tracepoint(function = "io_uring_submit_req")]
#[inline(always)]
fn uring_submit_raw(context: BtfTracePointContext) -> i32 {
    uring::on_submit(kernel::untyped(context.arg(0)));
    0
}

/// Raw engine: `io_uring_cqe_overflow`.
#[btf_tracepoint(function = "io_uring_cqe_overflow")]
#[inline(always)]
fn uring_overflow_raw(_context: BtfTracePointContext) -> i32 {
    uring::on_overflow();
    0
}

/// What every handler on the tracepoint costs, whatever it does. Only benchmarks load it.
#[btf_tracepoint(function = "sys_exit")]
fn floor(_context: BtfTracePointContext) -> i32 {
    0
}

/// Tracepoint engine: the exit tracepoint of one accounted call.
#[tracepoint]
#[inline(always)]
fn sys_exit_tracepoint(context: TracePointContext) -> u32 {
    // SAFETY: the record has the field; the task is the current one.
    unsafe {
        if let Ok(result) = context.read_at::<i64>(RESULT_OFFSET) {
            let task = aya_ebpf::helpers::generated::bpf_get_current_task_btf();
            handler::on_exit(bpf_task_pt_regs(task) as *const _, result);
        }
    }
    0
}

/// Tracepoint engine: `sched_process_fork`.
#[tracepoint]
#[inline(always)]
fn fork_tracepoint(context: TracePointContext) -> u32 {
    lifecycle::on_fork_tracepoint(&context);
    0
}

/// Tracepoint engine: `sched_process_exec`.
#[tracepoint]
#[inline(always)]
fn exec_tracepoint(context: TracePointContext) -> u32 {
    lifecycle::on_exec_tracepoint(&context);
    0
}

/// Tracepoint engine: `sched_process_exit`.
#[tracepoint]
#[inline(always)]
fn exit_tracepoint(_context: TracePointContext) -> u32 {
    lifecycle::on_exit();
    0
}

/// Tracepoint engine: `io_uring_complete`.
#[tracepoint]
#[inline(always)]
fn uring_complete_tracepoint(context: TracePointContext) -> u32 {
    if let Some(completion) = Completion::of_record(&context) {
        uring::on_complete(&completion);
    }
    0
}

/// Tracepoint engine: `io_uring_submit_req`.
#[tracepoint]
#[inline(always)]
fn uring_submit_tracepoint(context: TracePointContext) -> u32 {
    let offset = layout!(uring.record_submit_request) as usize;
    // SAFETY: the helper handles faults.
    if let Ok(request) = unsafe { context.read_at(offset) } {
        uring::on_submit(request);
    }
    0
}

/// Tracepoint engine: `io_uring_cqe_overflow`.
#[tracepoint]
#[inline(always)]
fn uring_overflow_tracepoint(_context: TracePointContext) -> u32 {
    uring::on_overflow();
    0
}

/// The clock of a CPU.
#[perf_event]
#[inline(always)]
fn cpu_tick(context: PerfEventContext) -> u32 {
    sampling::on_tick(&context);
    0
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

/// Never reached: the verifier rejects a program that could loop here.
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
