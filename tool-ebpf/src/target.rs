//! Which processes are accounted.

use aya_ebpf::{
    helpers::generated::bpf_get_current_ancestor_cgroup_id,
    macros::map,
    maps::{HashMap, PerCpuArray},
};
use copytax_common::{FilterMode, TARGET_ACTIVE};

use crate::{
    kernel::Task,
    layout::{filter, layout},
};

/// Thread group id to `TARGET_*` flags.
#[map]
pub(crate) static TARGETS: HashMap<u32, u32> = HashMap::with_max_entries(16_384, 0);

/// Whether the process of `task` is accounted.
#[inline(always)]
pub(crate) fn accounted(leader: Task, tgid: u32) -> bool {
    is_accounted(leader, tgid, || is_target(leader, tgid))
}

/// [`accounted`], for the clock, which interrupts what remembers found targets.
#[inline(always)]
pub(crate) fn accounted_at_tick(leader: Task, tgid: u32) -> bool {
    is_accounted(leader, tgid, || flags_of(tgid) & TARGET_ACTIVE != 0)
}

#[inline(always)]
fn is_accounted(leader: Task, tgid: u32, is_target: impl FnOnce() -> bool) -> bool {
    if tgid == filter!(self_tgid) {
        return false;
    }
    let mode = filter!(mode);
    if mode == FilterMode::All as u32 {
        true
    } else if mode == FilterMode::Pids as u32 {
        is_target()
    } else if mode == FilterMode::Comm as u32 {
        let comm = layout!(task_comm);
        leader.u64(comm) == filter!(comm[0]) && leader.u64(comm + 8) == filter!(comm[1])
    } else {
        let level = filter!(cgroup_level) as i32;
        // SAFETY: no preconditions.
        let id = unsafe { bpf_get_current_ancestor_cgroup_id(level) };
        id == filter!(cgroup_id)
    }
}

/// A process that was found in the target set, and by when it was started.
#[repr(C)]
struct Found {
    start_time_ns: u64,
    tgid: u64,
}

/// Slots of found targets on each CPU.
const FOUND: u32 = 64;

/// An active target stays one until it exits: it need not be looked up again.
#[map]
static FOUND_TARGETS: PerCpuArray<Found> = PerCpuArray::with_max_entries(FOUND, 0);

/// Whether the process is an active target.
#[inline(always)]
fn is_target(leader: Task, tgid: u32) -> bool {
    let Some(found) = FOUND_TARGETS.get_ptr_mut(tgid & (FOUND - 1)) else {
        return false;
    };
    let start_time_ns = leader.u64(layout!(task_start_boottime));
    // SAFETY: the slot belongs to this CPU, where handlers do not interrupt each other.
    unsafe {
        if (*found).tgid == u64::from(tgid) && (*found).start_time_ns == start_time_ns {
            return true;
        }
        if flags_of(tgid) & TARGET_ACTIVE == 0 {
            return false;
        }
        (*found).tgid = u64::from(tgid);
        (*found).start_time_ns = start_time_ns;
    }
    true
}

/// The target flags of a process, 0 where it is no target.
#[inline(always)]
pub(crate) fn flags_of(tgid: u32) -> u32 {
    // SAFETY: values are single words.
    unsafe { TARGETS.get(tgid) }.copied().unwrap_or(0)
}
