//! From a target to what the kernel half filters by.

use std::process;

use copytax_common::{Filter, FilterMode, TARGET_ACTIVE, TARGET_FOLLOW};

use crate::capture::{CaptureError, Target};
use crate::host::cgroups::{Cgroup, Hierarchy};
use crate::host::family;
use crate::host::kernel::Namespace;
use crate::host::processes::{self, Nature};

/// What to load and to put into the target set.
pub(super) struct Plan {
    pub(super) filter: Filter,
    /// Processes of the target set.
    pub(super) pids: Vec<u32>,
    /// Flags of each.
    pub(super) flags: u32,
}

/// Checks that the target exists, and says how to filter for it.
pub(super) fn plan(target: &Target) -> Result<Plan, CaptureError> {
    // In a pid namespace of its own the tool does not know its pid: `Names` leaves it out.
    let in_namespace = Namespace::Pid.is_initial() == Some(false);
    let everything = Filter::all(if in_namespace { 0 } else { process::id() });
    let filter = match target {
        Target::All => everything,
        Target::Pids { pids, follow } => {
            check_pid_namespace()?;
            for pid in pids {
                check_pid(*pid)?;
            }
            return Ok(Plan {
                filter: Filter {
                    mode: FilterMode::Pids as u32,
                    ..everything
                },
                pids: pids.clone(),
                flags: TARGET_ACTIVE | if *follow { TARGET_FOLLOW } else { 0 },
            });
        }
        Target::Command(_) => {
            check_pid_namespace()?;
            Filter {
                mode: FilterMode::Pids as u32,
                ..everything
            }
        }
        Target::Comm(name) => Filter {
            mode: FilterMode::Comm as u32,
            comm: comm_words(name),
            ..everything
        },
        Target::Cgroup(path) => in_cgroup(&Hierarchy::find()?.cgroup(path)?, everything),
        Target::Container(id) => in_cgroup(&Hierarchy::find()?.container(id)?, everything),
    };
    Ok(Plan {
        filter,
        pids: Vec::new(),
        flags: 0,
    })
}

fn in_cgroup(cgroup: &Cgroup, everything: Filter) -> Filter {
    Filter {
        mode: FilterMode::Cgroup as u32,
        cgroup_id: cgroup.id,
        cgroup_level: cgroup.level,
        ..everything
    }
}

/// The name as the kernel keeps it: 15 bytes, padded with NUL.
fn comm_words(name: &str) -> [u64; 2] {
    let mut bytes = [0; 16];
    for (to, from) in bytes[..15].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    let word = |half: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[half * 8..half * 8 + 8]);
        u64::from_ne_bytes(word)
    };
    [word(0), word(1)]
}

fn check_pid_namespace() -> Result<(), CaptureError> {
    if Namespace::Pid.is_initial() == Some(false) {
        return Err(CaptureError::PidNamespace);
    }
    Ok(())
}

fn check_pid(pid: u32) -> Result<(), CaptureError> {
    if pid == process::id() {
        return Err(CaptureError::IsSelf(pid));
    }
    match family::thread_group(pid) {
        None if !family::sees_processes() => Err(CaptureError::NoProc),
        None => Err(CaptureError::NoProcess(pid)),
        Some(process) if process != pid => Err(CaptureError::IsThread {
            thread: pid,
            process,
        }),
        Some(_) => match processes::nature(pid) {
            Some(Nature::Zombie) => Err(CaptureError::IsZombie(pid)),
            Some(Nature::KernelThread) => Err(CaptureError::IsKernelThread(pid)),
            Some(Nature::Running) | None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::comm_words;

    #[test]
    fn names_are_cut_like_the_kernel_cuts_them() {
        let [first, second] = comm_words("0123456789abcdefgh");
        assert_eq!(&first.to_ne_bytes(), b"01234567");
        assert_eq!(&second.to_ne_bytes(), b"89abcde\0");
        assert_eq!(comm_words("sh")[1], 0);
    }
}
