//! Checks of what this process may do.

use super::{Blocks, Check, Status, proven, refused, works, wrong};
use crate::host::facts::Facts;
use crate::host::kernel::Seccomp;
use crate::host::privileges::Capability;

pub(super) fn privileges(facts: &Facts) -> Check {
    const NAME: &str = "privileges";
    let has = |capability| facts.privileges.has(capability);
    let bpf = has(Capability::SysAdmin) || has(Capability::Bpf) && has(Capability::Perfmon);
    if !bpf {
        let wanted = [Capability::Bpf, Capability::Perfmon];
        let missing: Vec<_> = wanted
            .into_iter()
            .filter(|&capability| !has(capability))
            .map(Capability::name)
            .collect();
        let found = format!(
            "uid {}, without {}",
            facts.privileges.euid,
            missing.join(" and ")
        );
        let remedy = match (facts.no_new_privs, facts.privileges.euid) {
            (true, _) => {
                "start it elsewhere: no_new_privs is set here, so sudo cannot help (containers: \
                 allowPrivilegeEscalation, --security-opt no-new-privileges)"
            }
            (false, 0) => "give the container CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE (--cap-add)",
            (false, _) => {
                "run it as root (sudo), or give it cap_bpf,cap_perfmon,cap_sys_ptrace+ep (setcap)"
            }
        };
        return refused(
            NAME,
            Blocks::ALL,
            found,
            "programs can be neither loaded nor attached",
            remedy,
        );
    }
    if facts.initial_user_namespace == Some(false) {
        return refused(
            NAME,
            Blocks::ALL,
            "capabilities of a user namespace only",
            "the kernel takes programs only from the initial user namespace",
            "run it as root of the machine, outside of the rootless container",
        );
    }
    works(
        NAME,
        if facts.privileges.euid == 0 {
            "root"
        } else {
            "CAP_BPF and CAP_PERFMON"
        },
    )
}

pub(super) fn process_facts(facts: &Facts) -> Check {
    const NAME: &str = "process facts";
    if facts.privileges.has(Capability::SysPtrace) {
        return works(NAME, "executables of all users can be seen");
    }
    wrong(
        NAME,
        Status::Degraded,
        "no CAP_SYS_PTRACE",
        "other users' processes are named without their executable",
        "run it as root, or add CAP_SYS_PTRACE",
    )
}

pub(super) fn pid_namespace(facts: &Facts) -> Check {
    const NAME: &str = "pid namespace";
    match facts.initial_pid_namespace {
        Some(true) => works(NAME, "the machine's"),
        Some(false) => wrong(
            NAME,
            Status::Degraded,
            "a container's",
            "the kernel counts by the machine's pids: -p does not match, names are missing",
            "run it on the machine itself, or with --pid=host (Kubernetes: hostPID: true)",
        ),
        None => wrong(
            NAME,
            Status::Unknown,
            "not readable",
            "pids may be a container's",
            "",
        ),
    }
}

pub(super) fn seccomp(facts: &Facts) -> Check {
    const NAME: &str = "seccomp";
    match facts.seccomp {
        Some(Seccomp::Off) => works(NAME, "no filter"),
        Some(_) if proven(facts) => works(NAME, "a filter that lets bpf(2) through"),
        Some(_) => wrong(
            NAME,
            Status::Unknown,
            "a filter is active",
            "it may refuse bpf(2) or perf_event_open(2), as containers' default filters do",
            "if loading fails: --security-opt seccomp=unconfined",
        ),
        None => wrong(NAME, Status::Unknown, "not readable", "", ""),
    }
}

pub(super) fn security_modules(facts: &Facts) -> Check {
    const NAME: &str = "security modules";
    match &facts.security_modules {
        Some(modules) => works(NAME, modules.join(", ")),
        None => wrong(NAME, Status::Unknown, "not readable", "", ""),
    }
}
