//! What CPUs did for a process, from samples at ticks of a clock.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::analysis::frames::{Role, role};
use crate::model::{CpuSite, Estimate, ProcessId, Stack};

/// Time on CPUs of one process, in nanoseconds.
///
/// A tick stands for the time since the one before it, so that a sum of `n` ticks has a standard
/// error of `sqrt(n)` ticks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CpuTime {
    /// All of it.
    pub total: Estimate,
    /// The parts in system calls.
    pub in_syscall: BTreeMap<SyscallFamily, Estimate>,
    /// The part of that in programs that trace system calls, such as those of this tool.
    pub tracing_in_syscall: BTreeMap<SyscallFamily, Estimate>,
    /// The part in copy routines of the kernel, but for those that tracing programs call.
    pub copying_in_kernel: Estimate,
    /// The part of that in system calls.
    pub copying_in_syscall: BTreeMap<SyscallFamily, Estimate>,
    /// The part in copy routines of the program and its libraries.
    pub copying_in_user: Estimate,
}

impl CpuTime {
    /// The part in system calls that move bytes.
    #[must_use]
    pub fn moving(&self) -> Estimate {
        let moving = self.in_syscall.iter();
        sum(moving
            .filter(|(family, _)| **family != SyscallFamily::Other)
            .map(|(_, time)| *time))
    }

    /// The part in copy routines of either side.
    #[must_use]
    pub fn copying(&self) -> Estimate {
        sum([self.copying_in_kernel, self.copying_in_user])
    }
}

/// System calls that do the same kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SyscallFamily {
    /// `read` and its relatives.
    Read,
    /// `write` and its relatives.
    Write,
    /// `sendfile`, `splice`, `tee`, `vmsplice` and `copy_file_range`.
    ZeroCopy,
    /// `io_uring_enter`, whatever it does.
    IoUring,
    /// Any other.
    Other,
}

impl SyscallFamily {
    /// The family of a system call, by its number on the machine that this is compiled for.
    #[must_use]
    pub fn of(number: u32) -> Self {
        match i64::from(number) {
            libc::SYS_read
            | libc::SYS_pread64
            | libc::SYS_readv
            | libc::SYS_preadv
            | libc::SYS_preadv2
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_recvmmsg => Self::Read,
            libc::SYS_write
            | libc::SYS_pwrite64
            | libc::SYS_writev
            | libc::SYS_pwritev
            | libc::SYS_pwritev2
            | libc::SYS_sendto
            | libc::SYS_sendmsg
            | libc::SYS_sendmmsg => Self::Write,
            libc::SYS_sendfile
            | libc::SYS_splice
            | libc::SYS_tee
            | libc::SYS_vmsplice
            | libc::SYS_copy_file_range => Self::ZeroCopy,
            libc::SYS_io_uring_enter => Self::IoUring,
            _ => Self::Other,
        }
    }
}

/// The time of each process that `sites` name.
#[must_use]
pub fn cpu_times(sites: &[CpuSite]) -> BTreeMap<ProcessId, CpuTime> {
    let mut times: BTreeMap<ProcessId, CpuTime> = BTreeMap::new();
    for site in sites {
        let time = cpu_estimate(site);
        let process = times.entry(site.process).or_default();
        process.total.add(time);
        let family = site.syscall.map(SyscallFamily::of);
        if let Some(family) = family {
            process.in_syscall.entry(family).or_default().add(time);
        }
        match (&site.kernel, &site.user) {
            (Some(kernel), _) if is_tracing(kernel) => {
                if let Some(family) = family {
                    let tracing = process.tracing_in_syscall.entry(family).or_default();
                    tracing.add(time);
                }
            }
            (Some(kernel), _) if is_copying(kernel) => {
                process.copying_in_kernel.add(time);
                if let Some(family) = family {
                    let copying = process.copying_in_syscall.entry(family).or_default();
                    copying.add(time);
                }
            }
            (None, Some(user)) if is_copying(user) => process.copying_in_user.add(time),
            _ => {}
        }
    }
    times
}

/// The time of one site, in nanoseconds.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub fn cpu_estimate(site: &CpuSite) -> Estimate {
    let value = whole_nanoseconds(site.time);
    Estimate {
        value,
        variance: value * value / (site.samples.max(1) as f64),
    }
}

/// Seconds would lose nothing that ticks could show, but the unit of CPU time is nanoseconds.
fn whole_nanoseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e9).round()
}

/// Whether it was a copy routine that the tick met; what interrupted one is none.
fn is_copying(stack: &Stack) -> bool {
    stack.frames.first().map(role) == Some(Role::Copy)
}

/// Whether a program of BPF ran at a tracepoint: by the names that the kernel gives to programs and to what
/// calls them (`bpf_prog_ksym_set_name`, `kernel/bpf/core.c`; `include/trace/bpf_probe.h`; Linux 6.12).
fn is_tracing(stack: &Stack) -> bool {
    let names = stack.frames.iter();
    let mut names = names.filter_map(|frame| frame.function.as_deref());
    names.any(|name| {
        [
            "bpf_prog_",
            "__bpf_trace_",
            "bpf_trace_run",
            "trace_call_bpf",
        ]
        .iter()
        .any(|start| name.starts_with(start))
    })
}

fn sum(parts: impl IntoIterator<Item = Estimate>) -> Estimate {
    let mut sum = Estimate::default();
    for part in parts {
        sum.add(part);
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{SyscallFamily, cpu_times};
    use crate::analysis::fixture::{process, profile};
    use crate::model::CpuSite;

    const TICK: Duration = Duration::from_millis(10);

    #[expect(clippy::cast_possible_truncation, reason = "a small number of ticks")]
    fn site(syscall: Option<u32>, user: &[&str], kernel: &[&str], samples: u64) -> CpuSite {
        CpuSite {
            process: process(7),
            syscall,
            user: Some(profile::native("/srv/app", user)),
            kernel: (!kernel.is_empty()).then(|| profile::kernel(kernel)),
            samples,
            time: TICK * samples as u32,
        }
    }

    #[test]
    fn time_is_told_apart() {
        let (read, write, futex) = (0, 1, 202);
        let sites = [
            site(
                Some(read),
                &["read"],
                &["rep_movs_alternative", "_copy_to_iter"],
                25,
            ),
            site(
                Some(write),
                &["write"],
                &["tcp_sendmsg_locked", "tcp_sendmsg"],
                9,
            ),
            site(Some(futex), &["futex"], &["futex_wait"], 16),
            site(None, &["__memmove_avx_unaligned_erms", "main"], &[], 36),
            site(None, &["main"], &[], 14),
            // What traces the calls copies, too.
            site(
                Some(read),
                &["read"],
                &[
                    "copy_from_user_nofault",
                    "bpf_prog_1d8b3d5aac9458ce_sys_exit",
                    "bpf_trace_run2",
                ],
                7,
            ),
            // A timer came in between: not the copy's time.
            site(
                Some(read),
                &["read"],
                &["net_rx_action", "rep_movs_alternative"],
                4,
            ),
        ];
        let times = cpu_times(&sites);
        let time = times.get(&process(7)).expect("the process");
        let ticks = |value: f64| value / 10_000_000.0;
        assert!((ticks(time.total.value) - 111.0).abs() < 1e-9);
        assert!((ticks(time.total.variance.sqrt()) - 111.0_f64.sqrt()).abs() < 1e-9);
        assert!((ticks(time.moving().value) - 45.0).abs() < 1e-9);
        let tracing = time.tracing_in_syscall[&SyscallFamily::Read];
        assert!((ticks(tracing.value) - 7.0).abs() < 1e-9);
        assert!((ticks(time.copying_in_kernel.value) - 25.0).abs() < 1e-9);
        assert!((ticks(time.copying_in_user.value) - 36.0).abs() < 1e-9);
        assert!((ticks(time.copying().variance.sqrt()) - 61.0_f64.sqrt()).abs() < 1e-9);
        assert!(time.in_syscall.contains_key(&SyscallFamily::Other));
        let families: Vec<_> = time.copying_in_syscall.keys().collect();
        assert_eq!(families, [&SyscallFamily::Read]);
    }

    #[test]
    fn no_ticks_no_time() {
        assert!(cpu_times(&[]).is_empty());
        let never = site(None, &["main"], &[], 0);
        let times = cpu_times(&[never]);
        assert!(times[&process(7)].total.margin().abs() < f64::EPSILON);
    }
}
