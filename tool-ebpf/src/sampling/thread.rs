//! Stacks and registers of the thread that runs.

use aya_ebpf::helpers::generated::{
    bpf_get_current_task_btf, bpf_get_task_stack, bpf_probe_read_user, bpf_task_pt_regs,
};
use copytax_common::{SAMPLE_STACK, SAMPLE_STACK_CUT, SAMPLE_USER};

use super::{
    is_on,
    record::{FRAME_BYTES, PAGE, Record, TAIL, get, put, record_at},
};
use crate::{arch::Registers, kernel::Task, layout::layout, opaque};

/// `include/uapi/linux/bpf.h`
const BPF_F_USER_STACK: u64 = 1 << 8;

/// `include/linux/sched.h`: threads that have no user side: of the kernel, and workers of io_uring.
pub(super) const PF_KTHREAD: u32 = 0x0020_0000;
const PF_IO_WORKER: u32 = 0x0000_0010;

/// Parts of a stack that are copied one by one: the first page may be cut.
const PARTS: usize = SAMPLE_STACK / PAGE as usize + 1;

/// Writes down the registers of the current thread, if that is `thread` and has a user side.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sample_registers(slot: u64, thread: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(record) = record_at(slot) else {
        return 0;
    };
    put!(record, flags, 0);
    put!(record, instruction_pointer, 0);
    put!(record, stack_pointer, 0);
    put!(record, frame_pointer, 0);
    let task = Task::current();
    if u64::from(task.u32(layout!(task_pid))) != thread
        || task.u32(layout!(sample.task_flags)) & (PF_KTHREAD | PF_IO_WORKER) != 0
    {
        return 0;
    }
    // SAFETY: the task is the current one.
    let registers = unsafe { bpf_task_pt_regs(bpf_get_current_task_btf()) } as *const Registers;
    let instruction_pointer = Registers::instruction_pointer(registers);
    if instruction_pointer == 0 {
        return 0;
    }
    put!(record, flags, SAMPLE_USER);
    put!(record, instruction_pointer, instruction_pointer);
    put!(record, stack_pointer, Registers::stack_pointer(registers));
    put!(record, frame_pointer, Registers::frame_pointer(registers));
    0
}

/// Writes down the addresses of the user stack, and, if `kernel` is not 0, of the kernel stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sample_stacks(slot: u64, kernel: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(record) = record_at(slot) else {
        return 0;
    };
    let mut user_bytes = 0;
    if get!(record, flags) & SAMPLE_USER != 0 {
        user_bytes = add_stack(record, 0, BPF_F_USER_STACK);
    }
    put!(record, user_frames, (user_bytes / 8) as u16);
    let kernel_bytes = if kernel != 0 {
        add_stack(record, user_bytes, 0)
    } else {
        0
    };
    put!(record, kernel_frames, (kernel_bytes / 8) as u16);
    0
}

/// Writes the addresses of a stack `offset` bytes behind the header, at most [`FRAME_BYTES`]; gives
/// their bytes.
#[inline(always)]
fn add_stack(record: *mut Record, offset: u64, flags: u64) -> u64 {
    // SAFETY: the helper writes no more than it is told, of which the record has twice as much; the
    // task is the current one.
    let result = unsafe {
        let to = (&raw mut (*record).tail).cast::<u8>().add(offset as usize);
        bpf_get_task_stack(bpf_get_current_task_btf(), to.cast(), FRAME_BYTES, flags)
    };
    frame_bytes(result)
}

/// Bytes of addresses that a helper has given, 0 where it could not.
#[inline(always)]
pub(super) fn frame_bytes(result: i64) -> u64 {
    let bytes = opaque::unbounded(result as u64);
    if bytes > u64::from(FRAME_BYTES) {
        0
    } else {
        bytes
    }
}

/// Copies the top of the user stack behind the addresses, `limit` bytes at most.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sample_stack(slot: u64, limit: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(record) = record_at(slot) else {
        return 0;
    };
    put!(record, stack_len, 0);
    let flags = get!(record, flags);
    if flags & SAMPLE_USER == 0 {
        return 0;
    }
    for _ in 0..PARTS {
        let copied = u64::from(get!(record, stack_len));
        let wanted = limit.wrapping_sub(copied);
        if copied >= limit || copied >= SAMPLE_STACK as u64 {
            put!(record, flags, flags | SAMPLE_STACK_CUT);
            break;
        }
        let length = copy_part(record, copied, wanted);
        if length == 0 {
            break;
        }
        put!(record, stack_len, (copied + length) as u32);
    }
    0
}

/// Copies the user stack behind what was `copied` of it, up to the end of the page; gives the bytes.
#[inline(always)]
fn copy_part(record: *mut Record, copied: u64, wanted: u64) -> u64 {
    let frames = u64::from(get!(record, user_frames)) + u64::from(get!(record, kernel_frames));
    let address = get!(record, stack_pointer).wrapping_add(copied);
    let to_page_end = PAGE - (address & (PAGE - 1));
    let length = opaque::unbounded(if wanted < to_page_end {
        wanted
    } else {
        to_page_end
    });
    let offset = opaque::unbounded(frames * 8 + copied);
    if length > PAGE || offset > TAIL as u64 {
        return 0;
    }
    // SAFETY: the tail has a page more than TAIL; the helper handles faults.
    let failed = unsafe {
        let to = (&raw mut (*record).tail).cast::<u8>().add(offset as usize);
        bpf_probe_read_user(to.cast(), length as u32, address as *const _)
    };
    if failed == 0 { length } else { 0 }
}
