//! Processes come, change their program, and go.

use core::ffi::c_void;

use aya_ebpf::{
    EbpfContext,
    helpers::generated::bpf_probe_read_kernel_str,
    programs::{BtfTracePointContext, TracePointContext},
};
use copytax_common::{
    FILENAME_LEN, LossCounter, PROCESS_EXITED, ProcessKey, TARGET_ACTIVE, TARGET_FOLLOW,
    TARGET_PENDING,
};

use crate::{
    kernel::{Task, load},
    layout::{filter, layout},
    loss, process, recency,
    target::{self, TARGETS},
};

/// `BPF_ANY`
const ANY: u64 = 0;

/// A BTF-typed `sched_process_fork(parent, child)`.
#[inline(always)]
pub(crate) fn on_fork_raw(context: &BtfTracePointContext) {
    let child = Task::from_argument(context.arg::<*const c_void>(1));
    let child_pid = child.u32(layout!(task_pid));
    if child_pid == child.u32(layout!(task_tgid)) {
        on_fork(child_pid);
    }
}

/// The `sched_process_fork` tracepoint. It does not tell a thread from a process: an entry for a
/// thread does no harm, since no process has its id, and goes when the thread exits.
#[inline(always)]
pub(crate) fn on_fork_tracepoint(context: &TracePointContext) {
    let offset = layout!(fork_child_pid) as usize;
    // SAFETY: the helper handles faults.
    if let Ok(child_pid) = unsafe { context.read_at::<u32>(offset) } {
        on_fork(child_pid);
    }
}

#[inline(always)]
fn on_fork(child_pid: u32) {
    let leader = Task::current().leader();
    let parent = process::key_of(leader);
    let flags = target::flags_of(parent.tgid);
    if flags & (TARGET_ACTIVE | TARGET_FOLLOW) == TARGET_ACTIVE | TARGET_FOLLOW
        && TARGETS.insert(child_pid, flags, ANY).is_err()
    {
        loss::count(LossCounter::MapFull);
    }
    let _ = process::FORKS.insert(child_pid, parent, ANY);
}

/// A BTF-typed `sched_process_exec(task, old_pid, bprm)`.
#[inline(always)]
pub(crate) fn on_exec_raw(context: &BtfTracePointContext) {
    let program: *const u8 = context.arg(2);
    let filename: u64 = load(program, layout!(bprm_filename));
    on_exec(filename);
}

/// The `sched_process_exec` tracepoint.
#[inline(always)]
pub(crate) fn on_exec_tracepoint(context: &TracePointContext) {
    let offset = layout!(exec_filename) as usize;
    // SAFETY: the helper handles faults.
    if let Ok(location) = unsafe { context.read_at::<u32>(offset) } {
        // The lower half of a `__data_loc` is an offset into the record.
        on_exec(context.as_ptr() as u64 + u64::from(location & 0xffff));
    }
}

#[inline(always)]
fn on_exec(filename: u64) {
    let leader = Task::current().leader();
    let key = process::key_of(leader);
    let flags = target::flags_of(key.tgid);
    if flags & TARGET_PENDING != 0 {
        let _ = TARGETS.insert(key.tgid, (flags & !TARGET_PENDING) | TARGET_ACTIVE, ANY);
    }
    if target::accounted(leader, key.tgid) {
        // The kernel has counted this exec by now (fs/exec.c, begin_new_exec).
        let exec_id = Task::current().u64(layout!(task_self_exec_id));
        recency::bury(process::tag_of(key, exec_id.wrapping_sub(1)));
        process::register_exec(key, |to| {
            // SAFETY: the destination has the given size; the helper handles faults. What it could
            // not copy stays zero.
            unsafe {
                bpf_probe_read_kernel_str(
                    to.cast(),
                    FILENAME_LEN as u32,
                    filename as *const c_void,
                );
            }
        });
    }
}

/// `sched_process_exit`: a thread ends.
#[inline(always)]
pub(crate) fn on_exit() {
    let task = Task::current();
    let key: ProcessKey = process::key_of(task.leader());
    let pid = task.u32(layout!(task_pid));
    if pid != key.tgid {
        let _ = TARGETS.remove(pid);
    }
    let signal = task.pointer(layout!(task_signal));
    // do_exit() has taken this thread off before it fires the tracepoint (kernel/exit.c).
    if load::<u32>(signal, layout!(signal_live)) != 0 || key.tgid == filter!(self_tgid) {
        return;
    }
    let _ = TARGETS.remove(key.tgid);
    if let Some(record) = process::PROCESSES.get_ptr_mut(key) {
        recency::bury(process::tag_of(key, task.u64(layout!(task_self_exec_id))));
        // SAFETY: no other thread of the process is left.
        unsafe {
            process::copy_comm(task.leader(), record);
            (*record).flags |= PROCESS_EXITED;
        }
    }
}
