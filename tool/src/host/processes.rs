//! Facts of processes, from /proc.
//!
//! Everything of one process is read through a descriptor of its `/proc/PID` directory, so that
//! facts of two owners of one pid never mix. A process that dies meanwhile is `None`, not an error.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};

use super::container;
use crate::model::{ProcessFacts, ProcessId};

/// The most that is kept of one file of a process: its arguments may be megabytes.
const FILE_LIMIT: usize = 8 << 10;

/// Nanoseconds of a tick of `/proc/PID/stat` (`USER_HZ`, `include/asm-generic/param.h`).
pub const NS_PER_TICK: u64 = 10_000_000;

/// Start time (in clock ticks since boot, as the kernel keeps it) and facts of a process; `None`
/// where there is none or it cannot be seen.
#[must_use]
pub fn facts(pid: u32) -> Option<(u64, ProcessFacts)> {
    Reader::new().facts(pid)
}

/// Pid, start time and facts of every process that can be seen.
pub fn all() -> impl Iterator<Item = (u32, u64, ProcessFacts)> {
    let mut reader = Reader::new();
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(move |pid| {
            let (start_ticks, facts) = reader.facts(pid)?;
            Some((pid, start_ticks, facts))
        })
}

/// The `/proc` directory of a process, `None` where it is gone. What is read by it is of that process even if
/// another one gets its pid.
#[must_use]
pub fn directory(id: ProcessId) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, format!("/proc/{}", id.pid), flags, Mode::empty()).ok()?;
    let started = start_ticks(&directory)?;
    (started == id.start_time_ns / NS_PER_TICK).then_some(directory)
}

/// Start time of the process of a `/proc/PID` directory, in clock ticks since boot; `None` where it
/// is gone.
#[must_use]
pub fn start_ticks(process: &OwnedFd) -> Option<u64> {
    let mut reader = Reader::new();
    let (_, start_ticks) = parse_stat(reader.read(process, "stat")?)?;
    Some(start_ticks)
}

/// What kind of task a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It may make system calls.
    Running,
    /// All of its threads have ended.
    Zombie,
    /// It has no userspace.
    KernelThread,
}

/// What kind of task a process is; `None` where there is none.
#[must_use]
pub fn nature(pid: u32) -> Option<Nature> {
    nature_of_stat(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// State, flags and number of threads of `/proc/PID/stat`. A leader that has ended before its other
/// threads is no zombie yet.
fn nature_of_stat(stat: &[u8]) -> Option<Nature> {
    /// `include/linux/sched.h`
    const PF_KTHREAD: u64 = 0x0020_0000;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    // The state is field 3 of the file, the flags field 9, the number of threads field 20.
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let flags: u64 = fields.get(9 - 3)?.parse().ok()?;
    let threads: u64 = fields.get(20 - 3)?.parse().ok()?;
    Some(if flags & PF_KTHREAD != 0 {
        Nature::KernelThread
    } else if matches!(*fields.first()?, "Z" | "X") && threads <= 1 {
        Nature::Zombie
    } else {
        Nature::Running
    })
}

/// Reads files of processes into one buffer.
struct Reader {
    buffer: Box<[u8; FILE_LIMIT]>,
}

impl Reader {
    fn new() -> Self {
        Self {
            buffer: Box::new([0; FILE_LIMIT]),
        }
    }

    fn facts(&mut self, pid: u32) -> Option<(u64, ProcessFacts)> {
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let process = openat(CWD, format!("/proc/{pid}"), directory, Mode::empty()).ok()?;
        let (comm, start_ticks) = parse_stat(self.read(&process, "stat")?)?;
        let cmdline = self
            .read(&process, "cmdline")
            .map(parse_cmdline)
            .unwrap_or_default();
        let (cgroup, container_id) = self
            .read(&process, "cgroup")
            .map(parse_cgroup)
            .unwrap_or_default();
        let exe = readlinkat(&process, "exe", Vec::new())
            .ok()
            .map(|path| path.to_string_lossy().into_owned());
        let facts = ProcessFacts {
            comm,
            exe,
            cmdline,
            cgroup,
            container_id,
            exited: false,
            af_xdp: None,
            runtime: None,
        };
        Some((start_ticks, facts))
    }

    /// The first [`FILE_LIMIT`] bytes of a file of `process`.
    fn read(&mut self, process: &OwnedFd, name: &str) -> Option<&[u8]> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(process, name, flags, Mode::empty()).ok()?;
        // One read is enough: each of these files is made in one piece.
        let count = loop {
            match rustix::io::read(&file, &mut self.buffer[..]) {
                Ok(count) => break count,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return None,
            }
        };
        Some(&self.buffer[..count])
    }
}

/// Command name and start time of `/proc/PID/stat`. The name may hold blanks and parentheses: it
/// ends at the last one.
fn parse_stat(stat: &[u8]) -> Option<(String, u64)> {
    let open = stat.iter().position(|&byte| byte == b'(')?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    let comm = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
    // The name is field 2 of the file, the start time field 22.
    let fields = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let start_ticks = fields.split_ascii_whitespace().nth(22 - 3)?.parse().ok()?;
    Some((comm, start_ticks))
}

/// Arguments of `/proc/PID/cmdline`: each ends with a zero byte.
fn parse_cmdline(cmdline: &[u8]) -> Vec<String> {
    if cmdline.is_empty() {
        return Vec::new();
    }
    let cmdline = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    cmdline
        .split(|&byte| byte == 0)
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}

/// Cgroup path and container id of `/proc/PID/cgroup`.
///
/// The path in the unified hierarchy, where the process is below its root there. On hosts that
/// manage processes by the older hierarchies the path is systemd's, or the longest.
fn parse_cgroup(cgroup: &[u8]) -> (Option<String>, Option<String>) {
    let text = String::from_utf8_lossy(cgroup);
    let lines = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        rest.split_once(':')
    });
    let best = lines.max_by_key(|&(controllers, path)| {
        let below_root = path != "/";
        (
            below_root,
            below_root && controllers.is_empty(),
            controllers == "name=systemd",
            path.len(),
        )
    });
    let container_id = text
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .find_map(container::id_of_path)
        .map(str::to_owned);
    (best.map(|(_, path)| path.to_owned()), container_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str = "S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99 100";

    #[test]
    fn stat_of_a_hostile_name() {
        for name in ["nginx", "a) R 1 (b", ")", "", "x\ny", "(sd-pam)"] {
            let stat = format!("42 ({name}) {FIELDS}\n");
            assert_eq!(
                parse_stat(stat.as_bytes()),
                Some((name.to_owned(), 4711)),
                "{name}"
            );
        }
        assert_eq!(parse_stat(b""), None);
        assert_eq!(parse_stat(b"42 ("), None);
        assert_eq!(parse_stat(b"42 ) ("), None);
        assert_eq!(parse_stat(b"42 (a) S 1"), None);
        assert_eq!(parse_stat(b"42 (\xff) S").map(|(comm, _)| comm), None);
    }

    #[test]
    fn kinds_of_tasks() {
        let nature = |state: &str, flags: u64, threads: u32| {
            let stat =
                format!("7 (a) Z) {state} 1 1 1 0 -1 {flags} 1 2 3 4 5 6 7 8 20 0 {threads} 0 9");
            nature_of_stat(stat.as_bytes())
        };
        assert_eq!(nature("S", 4_194_560, 1), Some(Nature::Running));
        assert_eq!(nature("Z", 4_194_560, 1), Some(Nature::Zombie));
        assert_eq!(nature("Z", 4_194_560, 2), Some(Nature::Running));
        assert_eq!(nature("S", 0x0020_8040, 1), Some(Nature::KernelThread));
        assert_eq!(nature_of_stat(b"7 (a) S"), None);
    }

    #[test]
    fn arguments() {
        assert_eq!(parse_cmdline(b""), Vec::<String>::new());
        assert_eq!(parse_cmdline(b"a\0b c\0\0"), ["a", "b c", ""]);
        assert_eq!(
            parse_cmdline(b"nginx: worker process"),
            ["nginx: worker process"]
        );
    }

    #[test]
    fn cgroup_of_each_kind_of_host() {
        let path = |text: &str| parse_cgroup(text.as_bytes()).0;
        assert_eq!(
            path("0::/system.slice/a.service\n").as_deref(),
            Some("/system.slice/a.service")
        );
        let hybrid = "4:memory:/user\n1:name=systemd:/system.slice/a.service\n0::/\n";
        assert_eq!(path(hybrid).as_deref(), Some("/system.slice/a.service"));
        let both = "1:name=systemd:/long/long/path\n0::/unified\n";
        assert_eq!(path(both).as_deref(), Some("/unified"));
        assert_eq!(path("1:cpu:/\n0::/\n").as_deref(), Some("/"));
        assert_eq!(path("").as_deref(), None);
        assert_eq!(path("0::/a:b\n").as_deref(), Some("/a:b"));
    }

    #[test]
    fn container_on_an_older_host() {
        let id = "ab".repeat(32);
        let text = format!("2:pids:/docker/{id}\n0::/\n");
        assert_eq!(parse_cgroup(text.as_bytes()).1, Some(id));
    }

    #[test]
    fn this_process() {
        let (start_ticks, facts) = facts(std::process::id()).expect("this process lives");
        assert!(start_ticks > 0);
        assert!(!facts.comm.is_empty());
        let exe = std::env::current_exe().expect("a path");
        assert_eq!(facts.exe.as_deref(), exe.to_str());
        assert_eq!(facts.cmdline.len(), std::env::args().count());
        assert!(all().any(|(pid, ticks, _)| pid == std::process::id() && ticks == start_ticks));
    }

    #[test]
    fn no_such_process() {
        assert_eq!(facts(0), None);
        assert_eq!(facts(u32::MAX), None);
    }
}
