//! Facts of the kernel and of what it lets this process do.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::mounts;
use crate::model::Host;

/// A kernel version. What distributions append to it is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number, 0 where there is none.
    pub patch: u32,
}

impl Version {
    /// A version without third number.
    #[must_use]
    pub const fn new(major: u32, minor: u32) -> Self {
        Self {
            major,
            minor,
            patch: 0,
        }
    }

    /// Reads the numbers off a release as `uname -r` prints it.
    #[must_use]
    pub fn of_release(release: &str) -> Option<Self> {
        let end = release
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(release.len());
        let mut numbers = release[..end].split('.').map(str::parse);
        let major = numbers.next()?.ok()?;
        let minor = numbers.next()?.ok()?;
        let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
        Some(Self {
            major,
            minor,
            patch,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch == 0 {
            Ok(())
        } else {
            write!(f, ".{}", self.patch)
        }
    }
}

/// What a locked-down kernel refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lockdown {
    /// Nothing.
    None,
    /// Changes to the running kernel.
    Integrity,
    /// Also reading kernel memory.
    Confidentiality,
}

/// The filter of system calls that this process runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seccomp {
    /// None.
    Off,
    /// Only read, write and exit.
    Strict,
    /// A filter program.
    Filter,
}

/// This machine.
#[must_use]
pub fn host() -> Host {
    let names = rustix::system::uname();
    Host {
        kernel: names.release().to_string_lossy().into_owned(),
        arch: names.machine().to_string_lossy().into_owned(),
        cpus: online_cpus(),
        hostname: names.nodename().to_string_lossy().into_owned(),
    }
}

/// Processors online.
fn online_cpus() -> u32 {
    std::fs::read_to_string("/sys/devices/system/cpu/online")
        .ok()
        .and_then(|list| count_cpus(&list))
        .or_else(|| u32::try_from(std::thread::available_parallelism().ok()?.get()).ok())
        .unwrap_or(1)
}

/// How many processors a list such as `0-3,5` names.
fn count_cpus(list: &str) -> Option<u32> {
    list.trim().split(',').try_fold(0_u32, |sum, part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        sum.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

/// Whether the kernel describes its own types.
#[must_use]
pub fn has_btf() -> bool {
    Path::new("/sys/kernel/btf/vmlinux").exists()
}

/// Lockdown state, `None` where it cannot be read.
#[must_use]
pub fn lockdown() -> Option<Lockdown> {
    parse_lockdown(&std::fs::read_to_string("/sys/kernel/security/lockdown").ok()?)
}

/// The state in brackets: `none [integrity] confidentiality`.
fn parse_lockdown(states: &str) -> Option<Lockdown> {
    let (_, rest) = states.split_once('[')?;
    match rest.split_once(']')?.0 {
        "none" => Some(Lockdown::None),
        "integrity" => Some(Lockdown::Integrity),
        "confidentiality" => Some(Lockdown::Confidentiality),
        _ => None,
    }
}

/// Active security modules, `None` where they cannot be read.
#[must_use]
pub fn security_modules() -> Option<Vec<String>> {
    let list = std::fs::read_to_string("/sys/kernel/security/lsm").ok()?;
    Some(list.trim().split(',').map(str::to_owned).collect())
}

/// A number below `/proc/sys`, for example `kernel.perf_event_paranoid`.
#[must_use]
pub fn sysctl<T: FromStr>(name: &str) -> Option<T> {
    let path = Path::new("/proc/sys").join(name.replace('.', "/"));
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Where tracefs is mounted, directly or inside debugfs.
#[must_use]
pub fn tracefs() -> Option<PathBuf> {
    let mounts = mounts::all();
    let of_type = |name: &str| mounts.iter().find(|mount| mount.fs_type == name);
    if let Some(mount) = of_type("tracefs") {
        return Some(mount.point.clone());
    }
    let inside = of_type("debugfs")?.point.join("tracing");
    inside.join("events").exists().then_some(inside)
}

/// Whether the exit tracepoints of single calls can be seen in `tracefs`.
#[must_use]
pub fn has_syscall_tracepoints(tracefs: &Path) -> bool {
    tracefs.join("events/syscalls/sys_exit_read/id").exists()
}

/// A namespace of processes, by its file below `/proc/self/ns` and the inode number that the
/// kernel gives the initial one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// Of process ids.
    Pid,
    /// Of users and capabilities.
    User,
}

impl Namespace {
    /// Whether this process is in the initial one, `None` where that cannot be known.
    #[must_use]
    pub fn is_initial(self) -> Option<bool> {
        let (file, initial) = match self {
            Self::Pid => ("/proc/self/ns/pid", 0xefff_fffc),
            Self::User => ("/proc/self/ns/user", 0xefff_fffd),
        };
        Some(Path::new(file).metadata().ok()?.ino() == initial)
    }
}

/// Filter of system calls and `no_new_privs` of this process.
#[must_use]
pub fn restrictions() -> (Option<Seccomp>, bool) {
    parse_restrictions(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn parse_restrictions(status: &str) -> (Option<Seccomp>, bool) {
    let field = |name: &str| {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.map(str::trim)
    };
    let seccomp = match field("Seccomp") {
        Some("0") => Some(Seccomp::Off),
        Some("1") => Some(Seccomp::Strict),
        Some("2") => Some(Seccomp::Filter),
        _ => None,
    };
    (seccomp, field("NoNewPrivs") == Some("1"))
}

/// Since then maps are charged to cgroups, not to the limit of locked memory.
pub const NO_MEMLOCK_SINCE: Version = Version::new(5, 11);

/// Lifts the limit of locked memory where the running kernel charges maps to it. A refusal is left
/// to the kernel to report when the maps are made.
pub fn lift_memlock() {
    if Version::of_release(&host().kernel).is_some_and(|version| version < NO_MEMLOCK_SINCE) {
        let unlimited = rustix::process::Rlimit {
            current: None,
            maximum: None,
        };
        if let Err(error) =
            rustix::process::setrlimit(rustix::process::Resource::Memlock, unlimited)
        {
            tracing::debug!("the limit of locked memory stays: {error}");
        }
    }
}

/// Bytes of locked memory that this process may use, `None` where there is no limit.
#[must_use]
pub fn memlock() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Memlock).current
}

/// Nanoseconds since boot, suspended time included, as the kernel half counts them.
#[must_use]
pub fn since_boot_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        let version =
            |release: &str| Version::of_release(release).map(|version| version.to_string());
        assert_eq!(version("6.18.44-fc-v509").as_deref(), Some("6.18.44"));
        assert_eq!(version("5.15.0-91-generic").as_deref(), Some("5.15"));
        assert_eq!(version("6.1.0-13-cloud-amd64").as_deref(), Some("6.1"));
        assert_eq!(version("5.10+").as_deref(), Some("5.10"));
        assert_eq!(version("6.12-rc1").as_deref(), Some("6.12"));
        assert_eq!(version("6"), None);
        assert_eq!(version("linux"), None);
        assert_eq!(version(""), None);
        assert!(Version::of_release("5.9.99") < Some(Version::new(5, 10)));
    }

    #[test]
    fn processors() {
        assert_eq!(count_cpus("0\n"), Some(1));
        assert_eq!(count_cpus("0-3,5,8-9\n"), Some(7));
        assert_eq!(count_cpus("3-0"), None);
        assert_eq!(count_cpus(""), None);
    }

    #[test]
    fn lockdown_states() {
        assert_eq!(
            parse_lockdown("[none] integrity confidentiality\n"),
            Some(Lockdown::None)
        );
        assert_eq!(
            parse_lockdown("none [integrity] confidentiality"),
            Some(Lockdown::Integrity)
        );
        let last = parse_lockdown("none integrity [confidentiality]");
        assert_eq!(last, Some(Lockdown::Confidentiality));
        assert_eq!(parse_lockdown("none"), None);
        assert_eq!(parse_lockdown("[else]"), None);
    }

    #[test]
    fn status_fields() {
        let status = "Name:\tSeccomp:\t2\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        assert_eq!(parse_restrictions(status), (Some(Seccomp::Filter), true));
        assert_eq!(parse_restrictions(""), (None, false));
    }

    #[test]
    fn this_machine() {
        let host = host();
        assert!(
            Version::of_release(&host.kernel) >= Some(Version::new(3, 0)),
            "{}",
            host.kernel
        );
        assert!(host.cpus > 0);
        assert_eq!(sysctl::<u32>("kernel.no_such_thing"), None);
    }
}
