use std::path::PathBuf;

use super::*;
use crate::host::facts::ProbeResult;
use crate::host::kernel::{Lockdown, Seccomp};
use crate::host::privileges::{Capability, Privileges};
use crate::model::Host;

/// A machine on which everything works, nothing tried yet.
fn good() -> Facts {
    Facts {
        host: Host {
            kernel: "6.8.0-31-generic".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 8,
            hostname: "web1".to_owned(),
        },
        btf: true,
        lockdown: Some(Lockdown::None),
        security_modules: Some(vec!["capability".to_owned(), "apparmor".to_owned()]),
        unprivileged_bpf_disabled: Some(2),
        perf_event_paranoid: Some(4),
        kptr_restrict: Some(1),
        kernel_addresses: true,
        bpf_jit_enable: Some(1),
        tracefs: Some(PathBuf::from("/sys/kernel/tracing")),
        syscall_tracepoints: true,
        cgroup2: Some(PathBuf::from("/sys/fs/cgroup")),
        initial_pid_namespace: Some(true),
        initial_user_namespace: Some(true),
        seccomp: Some(Seccomp::Off),
        no_new_privs: false,
        memlock: Some(8 << 20),
        privileges: Privileges {
            euid: 0,
            effective: Capability::ALL.to_vec(),
        },
        devices: None,
        probes: Vec::new(),
    }
}

fn kernel(release: &str) -> Facts {
    let mut facts = good();
    facts.host.kernel = release.to_owned();
    facts
}

fn probe(name: &'static str, result: Result<(), &str>) -> ProbeResult {
    ProbeResult {
        name,
        result: result.map_err(str::to_owned),
    }
}

fn check<'a>(diagnosis: &'a Diagnosis, name: &str) -> &'a Check {
    diagnosis
        .checks
        .iter()
        .find(|check| check.name == name)
        .expect("a check of this name")
}

/// The refused or degraded checks, each with its status.
fn wrong(diagnosis: &Diagnosis) -> Vec<(&str, Status)> {
    diagnosis
        .checks
        .iter()
        .filter(|check| check.status != Status::Works)
        .map(|check| (check.name, check.status))
        .collect()
}

#[test]
fn hidden_addresses_cost_the_reasons_only() {
    for (kptr_restrict, remedy) in [(2, "kptr_restrict=1"), (0, "CAP_SYSLOG")] {
        let mut facts = good();
        facts.kernel_addresses = false;
        facts.kptr_restrict = Some(kptr_restrict);
        let diagnosis = examine(&facts);
        assert_eq!(
            wrong(&diagnosis),
            [("kernel symbols", Status::Degraded)],
            "{kptr_restrict}"
        );
        assert_eq!(diagnosis.engines, [Engine::Raw, Engine::Tracepoint]);
        let remedies = &check(&diagnosis, "kernel symbols").remedy;
        assert!(remedies.contains(remedy), "{remedies}");
    }
}

#[test]
fn everything_works() {
    let diagnosis = examine(&good());
    assert_eq!(wrong(&diagnosis), []);
    assert_eq!(diagnosis.engines, [Engine::Raw, Engine::Tracepoint]);
    assert!(!diagnosis.proven);
    assert_eq!(
        diagnosis.summary,
        "audit should work here with engine raw, and with engine tracepoint."
    );
}

#[test]
fn what_is_wrong_comes_with_a_remedy() {
    let mut facts = kernel("5.4.0");
    facts.btf = false;
    facts.lockdown = Some(Lockdown::Confidentiality);
    facts.tracefs = None;
    facts.cgroup2 = None;
    facts.initial_pid_namespace = Some(false);
    facts.seccomp = Some(Seccomp::Filter);
    facts.memlock = Some(64 << 10);
    facts.bpf_jit_enable = Some(0);
    facts.kernel_addresses = false;
    facts.privileges = Privileges {
        euid: 1000,
        effective: Vec::new(),
    };
    let diagnosis = examine(&facts);
    assert_eq!(
        wrong(&diagnosis).len(),
        diagnosis.checks.len() - 1,
        "{diagnosis:#?}"
    );
    for check in diagnosis
        .checks
        .iter()
        .filter(|check| check.status != Status::Works)
    {
        assert!(!check.consequence.is_empty(), "{check:?}");
        assert!(!check.remedy.is_empty(), "{check:?}");
    }
    assert!(diagnosis.engines.is_empty());
}

#[test]
fn not_root() {
    let mut facts = good();
    facts.privileges = Privileges {
        euid: 1000,
        effective: Vec::new(),
    };
    let diagnosis = examine(&facts);
    assert_eq!(
        check(&diagnosis, "privileges").found,
        "uid 1000, without CAP_BPF and CAP_PERFMON"
    );
    assert!(check(&diagnosis, "privileges").remedy.contains("sudo"));
    assert!(diagnosis.engines.is_empty());
    assert_eq!(diagnosis.summary, "audit cannot run here: see privileges.");

    facts.no_new_privs = true;
    assert!(
        check(&examine(&facts), "privileges")
            .remedy
            .contains("sudo cannot help")
    );
}

#[test]
fn root_of_a_container() {
    let mut facts = good();
    facts.privileges.effective = vec![Capability::SysPtrace];
    assert!(
        check(&examine(&facts), "privileges")
            .remedy
            .contains("--cap-add")
    );

    let mut rootless = good();
    rootless.initial_user_namespace = Some(false);
    assert!(examine(&rootless).engines.is_empty());
}

#[test]
fn two_capabilities_are_enough() {
    let mut facts = good();
    facts.privileges = Privileges {
        euid: 1000,
        effective: vec![Capability::Bpf, Capability::Perfmon],
    };
    let diagnosis = examine(&facts);
    assert_eq!(wrong(&diagnosis), [("process facts", Status::Degraded)]);
    assert_eq!(diagnosis.engines, [Engine::Raw, Engine::Tracepoint]);
}

#[test]
fn no_btf() {
    let mut facts = good();
    facts.btf = false;
    assert_eq!(examine(&facts).summary, "audit cannot run here: see BTF.");
}

#[test]
fn kernels() {
    let of = |release: &str| examine(&kernel(release));
    assert_eq!(
        of("5.10.0-28-amd64").summary,
        "audit cannot run here: see kernel version."
    );
    let diagnosis = of("5.12.0-1-amd64");
    assert_eq!(wrong(&diagnosis)[0], ("kernel version", Status::Degraded));
    assert_eq!(diagnosis.engines, [Engine::Raw]);
    assert_eq!(of("5.15.0").engines, [Engine::Raw, Engine::Tracepoint]);
    assert_eq!(wrong(&of("5.15.0")), [("kernel version", Status::Degraded)]);
    assert_eq!(wrong(&of("6.1.0")), []);
    assert_eq!(wrong(&of("strange")), [("kernel version", Status::Unknown)]);
}

#[test]
fn lockdown() {
    let mut facts = good();
    facts.lockdown = Some(Lockdown::Confidentiality);
    assert_eq!(
        examine(&facts).summary,
        "audit cannot run here: see lockdown."
    );
    facts.lockdown = None;
    assert_eq!(wrong(&examine(&facts)), [("lockdown", Status::Unknown)]);
    facts.probes = vec![probe(PROBE_RAW, Ok(()))];
    assert_eq!(wrong(&examine(&facts)), []);
}

#[test]
fn tracefs_missing() {
    let mut facts = good();
    facts.tracefs = None;
    facts.syscall_tracepoints = false;
    let diagnosis = examine(&facts);
    assert_eq!(diagnosis.engines, [Engine::Raw]);
    assert_eq!(
        diagnosis.summary,
        "audit should work here with engine raw; engine tracepoint does not: see tracefs."
    );
}

#[test]
fn locked_memory_counts_on_old_kernels_only() {
    let mut facts = kernel("5.10.0");
    facts.memlock = Some(64 << 10);
    assert_eq!(
        check(&examine(&facts), "locked memory").status,
        Status::Works
    );
    facts
        .privileges
        .effective
        .retain(|&capability| capability != Capability::SysResource);
    let diagnosis = examine(&facts);
    assert_eq!(check(&diagnosis, "locked memory").status, Status::Refused);
    assert!(diagnosis.engines.is_empty());
    facts.memlock = None;
    assert_eq!(check(&examine(&facts), "locked memory").found, "unlimited");
    facts.memlock = Some(64 << 10);
    facts.host.kernel = "5.11.0".to_owned();
    assert_eq!(
        check(&examine(&facts), "locked memory").status,
        Status::Works
    );
}

#[test]
fn container_with_its_own_pids_and_a_filter() {
    let mut facts = good();
    facts.initial_pid_namespace = Some(false);
    facts.seccomp = Some(Seccomp::Filter);
    let diagnosis = examine(&facts);
    let expected = [
        ("pid namespace", Status::Degraded),
        ("seccomp", Status::Unknown),
    ];
    assert_eq!(wrong(&diagnosis), expected);
    assert_eq!(diagnosis.engines, [Engine::Raw, Engine::Tracepoint]);

    facts.probes = vec![probe(PROBE_RAW, Ok(()))];
    assert_eq!(check(&examine(&facts), "seccomp").status, Status::Works);
}

#[test]
fn what_was_tried_counts_more_than_what_was_expected() {
    let mut facts = good();
    facts.probes = vec![
        probe(PROBE_RAW, Err("operation not permitted")),
        probe(PROBE_TRACEPOINT, Ok(())),
        probe("bpf_loop", Err("unknown func")),
    ];
    let diagnosis = examine(&facts);
    assert_eq!(diagnosis.engines, [Engine::Tracepoint]);
    assert!(diagnosis.proven);
    assert_eq!(check(&diagnosis, PROBE_RAW).status, Status::Refused);
    assert_eq!(check(&diagnosis, "bpf_loop").status, Status::Degraded);
    assert_eq!(
        diagnosis.summary,
        "audit works here with engine tracepoint; engine raw does not: see engine raw."
    );

    facts.host.kernel = "4.18.0-rhel".to_owned();
    facts.probes = vec![probe(PROBE_RAW, Ok(())), probe(PROBE_TRACEPOINT, Ok(()))];
    let diagnosis = examine(&facts);
    assert_eq!(
        diagnosis.engines,
        [Engine::Raw, Engine::Tracepoint],
        "a kernel with backports"
    );
}
