//! The current process: its key, and what is remembered of it.

use aya_ebpf::{
    helpers::generated::{bpf_get_current_cgroup_id, bpf_probe_read_user},
    macros::map,
    maps::{HashMap, LruHashMap, PerCpuArray},
};
use copytax_common::{
    CMDLINE_LEN, COMM_LEN, FILENAME_LEN, LossCounter, PROCESS_EXECED, ProcessKey, ProcessRecord,
};

use crate::{
    kernel::{Task, load},
    layout::layout,
    loss,
    sample::mix,
};

/// Every process that made an accounted call.
#[map]
pub(crate) static PROCESSES: HashMap<ProcessKey, ProcessRecord> =
    HashMap::with_max_entries(16_384, 0);

/// Thread id of a new task to the process that made it, until the new one is registered.
#[map]
pub(crate) static FORKS: LruHashMap<u32, ProcessKey> = LruHashMap::with_max_entries(16_384, 0);

/// Room to build a record: too large for the stack.
#[map]
static RECORD: PerCpuArray<ProcessRecord> = PerCpuArray::with_max_entries(1, 0);

/// `BPF_NOEXIST`: the first registration wins.
const NOEXIST: u64 = 1;
/// `BPF_ANY`
const ANY: u64 = 0;

/// The key of the process that `leader` leads.
#[inline(always)]
pub(crate) fn key_of(leader: Task) -> ProcessKey {
    ProcessKey {
        start_time_ns: leader.u64(layout!(task_start_boottime)),
        tgid: leader.u32(layout!(task_tgid)),
        padding: 0,
    }
}

/// When the current process began: the other half of its key.
#[inline(always)]
pub(crate) fn start_time() -> u64 {
    Task::current().leader().u64(layout!(task_start_boottime))
}

/// The thread group id that is in a tag.
#[inline(always)]
pub(crate) const fn tgid_of(tag: u64) -> u32 {
    (tag >> 32) as u32
}

/// Stands for a process and its address space: it changes with the process, and, since `exec_id`
/// (`task_struct.self_exec_id`) does, with its program. Never 0.
#[inline(always)]
pub(crate) const fn tag_of(process: ProcessKey, exec_id: u64) -> u64 {
    let space = mix(process.start_time_ns ^ (exec_id << 48)) as u32;
    ((process.tgid as u64) << 32) | space as u64
}

/// Remembers the current process, if it is not yet.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn register(start_time_ns: u64, tgid: u32) -> i32 {
    let key = ProcessKey {
        start_time_ns,
        tgid,
        padding: 0,
    };
    // SAFETY: only whether there is an element matters.
    if unsafe { PROCESSES.get(key) }.is_none()
        && let Some(record) = blank_record(tgid)
    {
        // SAFETY: the record belongs to this CPU.
        insert(&key, unsafe { &*record }, NOEXIST);
    }
    0
}

/// Remembers that the current process replaced its program. `copy_filename` is given
/// [`FILENAME_LEN`] zeroed bytes for the file name that `execve` was called with.
#[inline(always)]
pub(crate) fn register_exec(key: ProcessKey, copy_filename: impl FnOnce(*mut u8)) {
    let Some(record) = blank_record(key.tgid) else {
        return;
    };
    // SAFETY: the record belongs to this CPU.
    unsafe {
        (*record).flags = PROCESS_EXECED;
        copy_filename((&raw mut (*record).filename).cast());
        insert(&key, &*record, ANY);
    }
}

#[inline(always)]
fn insert(key: &ProcessKey, record: &ProcessRecord, flags: u64) {
    if PROCESSES.insert(key, record, flags).is_err()
        // SAFETY: only whether another CPU was faster matters.
        && unsafe { PROCESSES.get(key) }.is_none()
    {
        loss::count(LossCounter::MapFull);
    }
}

/// This CPU's room for a record, filled with what is known of the current process.
#[inline(always)]
fn blank_record(tgid: u32) -> Option<*mut ProcessRecord> {
    let record = RECORD.get_ptr_mut(0)?;
    let leader = Task::current().leader();
    // SAFETY: the record belongs to this CPU, where handlers do not interrupt each other; map
    // values are aligned to 8 bytes.
    unsafe {
        // Word by word: zeroes would become a call of memset.
        let parent = (&raw mut (*record).parent).cast::<u64>();
        let [start, tgid] = match FORKS.get_ptr(tgid) {
            Some(fork) => [
                fork.cast::<u64>().read_volatile(),
                fork.cast::<u64>().add(1).read_volatile(),
            ],
            None => [0, 0],
        };
        parent.write_volatile(start);
        parent.add(1).write_volatile(tgid);
        (*record).cgroup_id = bpf_get_current_cgroup_id();
        (*record).flags = 0;
        copy_comm(leader, record);
        let filename = (&raw mut (*record).filename).cast::<u64>();
        for i in 0..FILENAME_LEN / 8 {
            filename.add(i).write_volatile(0);
        }
        (*record).cmdline_len = copy_cmdline((&raw mut (*record).cmdline).cast());
    }
    Some(record)
}

/// Copies the command name of the process.
///
/// # Safety
///
/// `record` points to a record, aligned to 8 bytes.
#[inline(always)]
pub(crate) unsafe fn copy_comm(leader: Task, record: *mut ProcessRecord) {
    let comm = layout!(task_comm);
    // SAFETY: the caller's; the name has two words.
    unsafe {
        let words = (&raw mut (*record).comm).cast::<u64>();
        words.write(leader.u64(comm));
        words.add(1).write(leader.u64(comm + 8));
    }
}

/// Copies the start of the argument block of the current process, and gives its length.
#[inline(always)]
fn copy_cmdline(to: *mut u8) -> u32 {
    let memory = Task::current().pointer(layout!(task_mm));
    let start: u64 = load(memory, layout!(mm_arg_start));
    let end: u64 = load(memory, layout!(mm_arg_end));
    let length = end.wrapping_sub(start).min(CMDLINE_LEN as u64) as u32;
    if length == 0 || length > CMDLINE_LEN as u32 {
        return 0;
    }
    // SAFETY: the length is within the field; the helper handles faults.
    let failed = unsafe { bpf_probe_read_user(to.cast(), length, start as *const _) };
    if failed == 0 { length } else { 0 }
}

const _: () = assert!(COMM_LEN == 16);
