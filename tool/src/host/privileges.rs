//! What this process may do.

use rustix::thread::CapabilitySet;

/// A capability that some part of the tool wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Load programs and make maps.
    Bpf,
    /// Attach to tracepoints and read kernel memory.
    Perfmon,
    /// Includes the two above.
    SysAdmin,
    /// See the executables of other users' processes.
    SysPtrace,
    /// Raise resource limits.
    SysResource,
    /// Read files that their modes deny, tracefs among them.
    DacReadSearch,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Bpf,
        Self::Perfmon,
        Self::SysAdmin,
        Self::SysPtrace,
        Self::SysResource,
        Self::DacReadSearch,
    ];

    /// As capabilities(7) calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bpf => "CAP_BPF",
            Self::Perfmon => "CAP_PERFMON",
            Self::SysAdmin => "CAP_SYS_ADMIN",
            Self::SysPtrace => "CAP_SYS_PTRACE",
            Self::SysResource => "CAP_SYS_RESOURCE",
            Self::DacReadSearch => "CAP_DAC_READ_SEARCH",
        }
    }

    fn set(self) -> CapabilitySet {
        match self {
            Self::Bpf => CapabilitySet::BPF,
            Self::Perfmon => CapabilitySet::PERFMON,
            Self::SysAdmin => CapabilitySet::SYS_ADMIN,
            Self::SysPtrace => CapabilitySet::SYS_PTRACE,
            Self::SysResource => CapabilitySet::SYS_RESOURCE,
            Self::DacReadSearch => CapabilitySet::DAC_READ_SEARCH,
        }
    }
}

/// Effective privileges of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileges {
    /// Effective user id.
    pub euid: u32,
    /// Effective capabilities, as far as they matter here.
    pub effective: Vec<Capability>,
}

impl Privileges {
    /// Those of this process.
    #[must_use]
    pub fn of_self() -> Self {
        let effective = rustix::thread::capabilities(None)
            .map_or(CapabilitySet::empty(), |sets| sets.effective);
        Self {
            euid: rustix::process::geteuid().as_raw(),
            effective: Capability::ALL
                .into_iter()
                .filter(|capability| effective.contains(capability.set()))
                .collect(),
        }
    }

    /// Whether `capability` is effective.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.effective.contains(&capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_proc() {
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .expect("a line");
        let mask = u64::from_str_radix(line.trim(), 16).expect("hexadecimal");
        let privileges = Privileges::of_self();
        for (capability, bit) in [
            (Capability::SysPtrace, 19),
            (Capability::SysAdmin, 21),
            (Capability::SysResource, 24),
            (Capability::DacReadSearch, 2),
            (Capability::Perfmon, 38),
            (Capability::Bpf, 39),
        ] {
            assert_eq!(
                privileges.has(capability),
                mask >> bit & 1 == 1,
                "{capability:?}"
            );
        }
    }
}
