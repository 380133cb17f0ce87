//! Everything about this machine and this process that decides whether an audit can run.

use std::path::PathBuf;

use super::cgroups::Hierarchy;
use super::kernel::{self, Lockdown, Namespace, Seccomp};
use super::network;
use super::privileges::Privileges;
use crate::model::Device;
use crate::model::Host;

/// Name of the probe that loads and attaches the raw engine.
pub const PROBE_RAW: &str = "engine raw";
/// Name of the probe that loads and attaches the tracepoint engine.
pub const PROBE_TRACEPOINT: &str = "engine tracepoint";

/// Name of the probe that attaches what accounts for io_uring.
pub const PROBE_URING: &str = "io_uring";

/// What came of really trying something, such as loading a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// What was tried: [`PROBE_RAW`], [`PROBE_TRACEPOINT`], or an optional kernel
    /// feature such as [`PROBE_URING`].
    pub name: &'static str,
    /// Why it was refused.
    pub result: Result<(), String>,
}

/// Facts, nothing decided. `None` is what could not be known, unless a field says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The machine.
    pub host: Host,
    /// Whether the kernel describes its own types.
    pub btf: bool,
    /// What a locked-down kernel refuses.
    pub lockdown: Option<Lockdown>,
    /// Active security modules.
    pub security_modules: Option<Vec<String>>,
    /// `kernel.unprivileged_bpf_disabled`
    pub unprivileged_bpf_disabled: Option<u32>,
    /// `kernel.perf_event_paranoid`
    pub perf_event_paranoid: Option<i32>,
    /// `kernel.kptr_restrict`
    pub kptr_restrict: Option<u32>,
    /// Whether `/proc/kallsyms` shows this process addresses.
    pub kernel_addresses: bool,
    /// `net.core.bpf_jit_enable`
    pub bpf_jit_enable: Option<u32>,
    /// Where tracefs is mounted, `None` where it is not.
    pub tracefs: Option<PathBuf>,
    /// Whether it shows the exit tracepoints of single calls.
    pub syscall_tracepoints: bool,
    /// Where the unified cgroup hierarchy is mounted, `None` where it is not.
    pub cgroup2: Option<PathBuf>,
    /// Whether this process sees all processes by the pids that the kernel uses.
    pub initial_pid_namespace: Option<bool>,
    /// Whether the capabilities of this process count outside of a container.
    pub initial_user_namespace: Option<bool>,
    /// The filter of system calls that this process runs under.
    pub seccomp: Option<Seccomp>,
    /// Whether this process can gain no privileges, by sudo or otherwise.
    pub no_new_privs: bool,
    /// Bytes of locked memory that this process may use, `None` where there is no limit.
    pub memlock: Option<u64>,
    /// Network devices that are up.
    pub devices: Option<Vec<Device>>,
    /// What this process may do.
    pub privileges: Privileges,
    /// What was really tried; empty where nothing was.
    pub probes: Vec<ProbeResult>,
}

impl Facts {
    /// Those of this process on this machine.
    #[must_use]
    pub fn collect(probes: Vec<ProbeResult>) -> Self {
        let tracefs = kernel::tracefs();
        let (seccomp, no_new_privs) = kernel::restrictions();
        Self {
            host: kernel::host(),
            btf: kernel::has_btf(),
            lockdown: kernel::lockdown(),
            security_modules: kernel::security_modules(),
            unprivileged_bpf_disabled: kernel::sysctl("kernel.unprivileged_bpf_disabled"),
            perf_event_paranoid: kernel::sysctl("kernel.perf_event_paranoid"),
            kptr_restrict: kernel::sysctl("kernel.kptr_restrict"),
            kernel_addresses: kernel::shows_addresses(),
            bpf_jit_enable: kernel::sysctl("net.core.bpf_jit_enable"),
            syscall_tracepoints: tracefs
                .as_deref()
                .is_some_and(kernel::has_syscall_tracepoints),
            tracefs,
            cgroup2: Hierarchy::find()
                .ok()
                .map(|hierarchy| hierarchy.mount().to_owned()),
            initial_pid_namespace: Namespace::Pid.is_initial(),
            initial_user_namespace: Namespace::User.is_initial(),
            seccomp,
            no_new_privs,
            memlock: kernel::memlock(),
            devices: network::devices().ok(),
            privileges: Privileges::of_self(),
            probes,
        }
    }
}
