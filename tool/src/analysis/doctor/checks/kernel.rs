//! Checks of the kernel.

use super::super::{RAW_SINCE, TRACEPOINT_SINCE};
use super::{Blocks, Check, Status, probe, proven, refused, version, works, wrong};
use crate::host::facts::Facts;
use crate::host::kernel::{Lockdown, NO_MEMLOCK_SINCE, Version};
use crate::host::privileges::Capability;
use crate::model::Engine;

/// Locked memory that the maps of a whole machine fit into.
const MEMLOCK_ENOUGH: u64 = 256 << 20;

pub(super) fn kernel(facts: &Facts) -> Check {
    const NAME: &str = "kernel version";
    let release = facts.host.kernel.as_str();
    match version(facts) {
        None => wrong(
            NAME,
            Status::Unknown,
            release,
            "its features are not known",
            "",
        ),
        Some(version) if version < RAW_SINCE && proven(facts) => works(
            NAME,
            format!("{release} (older than 5.12, but programs load)"),
        ),
        Some(version) if version < RAW_SINCE => refused(
            NAME,
            Blocks::ALL,
            release,
            "both engines need at least 5.12",
            "boot a kernel of 5.12 or later; 6.2 or later is best",
        ),
        Some(version) if version < TRACEPOINT_SINCE => Check {
            blocks: Blocks::TRACEPOINT,
            ..wrong(
                NAME,
                Status::Degraded,
                release,
                "engine tracepoint needs 5.15, long iovecs need 5.17 (bpf_loop)",
                "use engine raw",
            )
        },
        Some(version) if version < Version::new(5, 17) => wrong(
            NAME,
            Status::Degraded,
            release,
            "long iovecs are not followed to their end: that needs 5.17 (bpf_loop)",
            "",
        ),
        Some(version) if version < Version::new(6, 2) => works(
            NAME,
            format!("{release} (6.2 or later resolves endpoints faster)"),
        ),
        Some(_) => works(NAME, release),
    }
}

pub(super) fn btf(facts: &Facts) -> Check {
    if facts.btf {
        return works("BTF", "/sys/kernel/btf/vmlinux");
    }
    refused(
        "BTF",
        Blocks::ALL,
        "no /sys/kernel/btf/vmlinux",
        "the layout of kernel structures is not known, so nothing can be attached",
        "mount /sys where it is missing, else boot a kernel built with \
         CONFIG_DEBUG_INFO_BTF=y (most distributions' are)",
    )
}

pub(super) fn lockdown(facts: &Facts) -> Check {
    const NAME: &str = "lockdown";
    match facts.lockdown {
        Some(Lockdown::None) => works(NAME, "none"),
        Some(Lockdown::Integrity) => works(NAME, "integrity (takes nothing away here)"),
        Some(Lockdown::Confidentiality) => refused(
            NAME,
            Blocks::ALL,
            "confidentiality",
            "programs may not read kernel memory, so endpoints cannot be told",
            "boot with lockdown=integrity",
        ),
        None if proven(facts) => works(NAME, "not readable, but programs load"),
        None => wrong(
            NAME,
            Status::Unknown,
            "not readable",
            "confidentiality would keep programs from loading",
            "mount -t securityfs none /sys/kernel/security (as root)",
        ),
    }
}

pub(super) fn memlock(facts: &Facts) -> Check {
    const NAME: &str = "locked memory";
    let limit = facts.memlock.map_or("unlimited".to_owned(), |bytes| {
        format!("{} KiB", bytes >> 10)
    });
    if version(facts).is_none_or(|version| version >= NO_MEMLOCK_SINCE) {
        return works(NAME, format!("{limit} (does not count on this kernel)"));
    }
    let enough = facts.memlock.is_none_or(|bytes| bytes >= MEMLOCK_ENOUGH);
    if enough {
        return works(NAME, limit);
    }
    if facts.privileges.has(Capability::SysResource) {
        return works(NAME, format!("{limit}, raised when an audit starts"));
    }
    refused(
        NAME,
        Blocks::ALL,
        limit,
        "maps are charged to it before Linux 5.11, and do not fit",
        "ulimit -l unlimited (as root), or LimitMEMLOCK=infinity in the systemd unit",
    )
}

pub(super) fn jit(facts: &Facts) -> Check {
    const NAME: &str = "BPF JIT";
    match facts.bpf_jit_enable {
        Some(0) => wrong(
            NAME,
            Status::Degraded,
            "off",
            "programs are interpreted: every call costs several times more",
            "sysctl net.core.bpf_jit_enable=1",
        ),
        Some(_) => works(NAME, "on"),
        // The file is root's; without it there is usually no interpreter to fall back to.
        None => wrong(
            NAME,
            Status::Unknown,
            "net.core.bpf_jit_enable is not readable",
            "",
            "",
        ),
    }
}

pub(super) fn symbols(facts: &Facts) -> Check {
    const NAME: &str = "kernel symbols";
    if facts.kernel_addresses {
        return works(NAME, "/proc/kallsyms shows addresses");
    }
    // `kallsyms_show_value` of kernel/ksyms_common.c: from 2 on nobody sees them.
    let (found, remedy) = match facts.kptr_restrict {
        Some(restricted) if restricted >= 2 => (
            format!("kernel.kptr_restrict={restricted} hides addresses from everybody"),
            "sysctl kernel.kptr_restrict=1 (as root)",
        ),
        _ => (
            "addresses in /proc/kallsyms are hidden".to_owned(),
            "run it as root, or with CAP_SYSLOG",
        ),
    };
    let consequence = "whether bytes of a file were shared or copied by the kernel is unknown; \
                       counts are not touched";
    wrong(NAME, Status::Degraded, found, consequence, remedy)
}

pub(super) fn tracefs(facts: &Facts) -> Check {
    const NAME: &str = "tracefs";
    let consequence = "engine tracepoint cannot be attached; engine raw does not need it";
    match &facts.tracefs {
        Some(path) if facts.syscall_tracepoints => works(NAME, path.display().to_string()),
        _ if probe(facts, Engine::Tracepoint).is_some_and(Result::is_ok) => {
            works(NAME, "not seen, but tracepoints attach")
        }
        Some(path) => Check {
            blocks: Blocks::TRACEPOINT,
            ..wrong(
                NAME,
                Status::Degraded,
                format!("{}: no tracepoints of system calls seen", path.display()),
                consequence,
                "run it as root; the kernel needs CONFIG_FTRACE_SYSCALLS=y",
            )
        },
        None => Check {
            blocks: Blocks::TRACEPOINT,
            ..wrong(
                NAME,
                Status::Degraded,
                "not mounted",
                consequence,
                "mount -t tracefs nodev /sys/kernel/tracing (as root)",
            )
        },
    }
}

pub(super) fn cgroups(facts: &Facts) -> Check {
    const NAME: &str = "cgroup v2";
    match &facts.cgroup2 {
        Some(path) => works(NAME, path.display().to_string()),
        None => wrong(
            NAME,
            Status::Degraded,
            "not mounted",
            "--cgroup and --container find nothing; other targets work",
            "mount -t cgroup2 none /sys/fs/cgroup (as root)",
        ),
    }
}
