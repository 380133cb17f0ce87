//! Ticks of the clock: what a thread does, as time passes.
//!
//! The clock interrupts the other programs. So nothing here is shared with them but what is only read.

use aya_ebpf::{
    EbpfContext,
    helpers::generated::{bpf_get_smp_processor_id, bpf_get_stack, bpf_task_pt_regs},
    programs::PerfEventContext,
};
use copytax_common::{LossCounter, SAMPLE_USER, SampleKind};

use super::{
    file::{SINK, SOURCE, sample_file},
    is_on,
    record::{FRAME_BYTES, Record, get, put, record_at, sample_output, who},
    thread::{PF_KTHREAD, frame_bytes, sample_registers, sample_stack, sample_stacks},
};
use crate::{
    arch::{self, Registers},
    kernel::Task,
    layout::{layout, sampling},
    loss, target,
};

/// No system call.
const NONE: i32 = -1;

/// The clock of this CPU ticks.
#[inline(always)]
pub(crate) fn on_tick(context: &PerfEventContext) {
    let task = Task::current();
    let (leader, tgid) = (task.leader(), task.u32(layout!(task_tgid)));
    // The idle task is a thread of the kernel, too.
    if !is_on()
        || task.u32(layout!(sample.task_flags)) & PF_KTHREAD != 0
        || !target::accounted_at_tick(leader, tgid)
    {
        return;
    }
    // SAFETY: no preconditions.
    let slot = u64::from(unsafe { bpf_get_smp_processor_id() }) * 2 + 1;
    let Some(record) = record_at(slot) else {
        return;
    };
    let thread = task.u32(layout!(task_pid));
    blank(record);
    sample_file(slot, SOURCE, 0);
    sample_file(slot, SINK, 0);
    who(record, thread);
    sample_registers(slot, u64::from(thread));
    sample_stacks(slot, 0);
    // The registers of what was interrupted are the first that the context has.
    let interrupted: *const Registers = context.as_ptr().cast_const().cast();
    if !Registers::is_user_mode(interrupted) {
        put!(record, syscall, syscall_of(task));
        add_kernel_stack(context, record);
    }
    sample_stack(slot, u64::from(sampling!(stack_bytes)));
    if sample_output(slot) != 0 {
        loss::count(LossCounter::CpuSamplesDropped);
    }
}

/// Writes down what ticks have nothing of.
#[inline(always)]
fn blank(record: *mut Record) {
    put!(record, id, 0);
    put!(record, bytes, 0);
    put!(record, spent, 0);
    put!(record, call_bytes, 0);
    put!(record, transfer, 0);
    put!(record, syscall, NONE);
    put!(record, kind, SampleKind::Cpu as u8);
    put!(record, class, 0);
    put!(record, source, 0);
    put!(record, sink, 0);
    put!(record, sharing, 0);
    put!(record, call, 0);
    put!(record, stands_for, 1);
    put!(record, interval, u64::from(sampling!(cpu_interval_ns)));
}

/// Number of the system call that the current thread is in. Interrupts and exceptions leave none in
/// the registers (`arch/x86/entry/entry_64.S`), calls of 32-bit tasks another's.
#[inline(always)]
fn syscall_of(task: Task) -> i32 {
    if arch::is_compat(task) {
        return NONE;
    }
    // SAFETY: the task is the current one.
    let registers =
        unsafe { bpf_task_pt_regs(aya_ebpf::helpers::generated::bpf_get_current_task_btf()) }
            as *const Registers;
    let number = Registers::number(registers);
    if number <= i32::MAX as u64 {
        number as i32
    } else {
        NONE
    }
}

/// Writes the addresses of the interrupted kernel stack behind those of the user stack.
#[inline(always)]
fn add_kernel_stack(context: &PerfEventContext, record: *mut Record) {
    let mut behind = 0;
    if get!(record, flags) & SAMPLE_USER != 0 {
        behind = frame_bytes(i64::from(get!(record, user_frames)) * 8);
    }
    // SAFETY: the helper writes no more than it is told, of which the record has twice as much.
    let result = unsafe {
        let to = (&raw mut (*record).tail).cast::<u8>().add(behind as usize);
        bpf_get_stack(context.as_ptr(), to.cast(), FRAME_BYTES, 0)
    };
    put!(record, kernel_frames, (frame_bytes(result) / 8) as u16);
}
