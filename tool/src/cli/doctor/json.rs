//! The diagnosis for programs.

use serde::Serialize;
use serde_json::{Value, json};

use crate::analysis::doctor::network::zero_copy;
use crate::analysis::doctor::{Check, Diagnosis, engine_name};
use crate::host::facts::Facts;
use crate::host::kernel::{Lockdown, Seccomp};
use crate::model::Device;

/// The document: its schema comes first.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    audit: bool,
    engines: Vec<&'static str>,
    proven: bool,
    summary: &'a str,
    checks: Vec<CheckEntry<'a>>,
    network: Option<Vec<Value>>,
    facts: Value,
}

#[derive(Serialize)]
struct CheckEntry<'a> {
    name: &'a str,
    status: &'static str,
    found: &'a str,
    consequence: Option<&'a str>,
    remedy: Option<&'a str>,
}

/// One JSON document and a line end.
pub(super) fn render(facts: &Facts, diagnosis: &Diagnosis) -> serde_json::Result<String> {
    let document = Document {
        schema: "copytax.doctor/1",
        audit: !diagnosis.engines.is_empty(),
        engines: diagnosis
            .engines
            .iter()
            .map(|&engine| engine_name(engine))
            .collect(),
        proven: diagnosis.proven,
        summary: &diagnosis.summary,
        checks: diagnosis.checks.iter().map(entry).collect(),
        network: facts
            .devices
            .as_ref()
            .map(|devices| devices.iter().map(network).collect()),
        facts: facts_of(facts),
    };
    serde_json::to_string_pretty(&document).map(|json| json + "\n")
}

fn entry(check: &Check) -> CheckEntry<'_> {
    CheckEntry {
        name: check.name,
        status: check.status.name(),
        found: &check.found,
        consequence: Some(check.consequence.as_str()).filter(|text| !text.is_empty()),
        remedy: Some(check.remedy.as_str()).filter(|text| !text.is_empty()),
    }
}

fn network(device: &Device) -> Value {
    let (zero_copy, why) = zero_copy(device);
    json!({
        "device": device.name,
        "loopback": device.is_loopback,
        "scatter_gather": device.offloads.map(|offloads| offloads.scatter_gather),
        "tcp_segmentation": device.offloads.map(|offloads| offloads.tcp_segmentation),
        "tx_checksum": device.offloads.map(|offloads| offloads.tx_checksum),
        "tls_tx": device.offloads.map(|offloads| offloads.tls_tx),
        "zero_copy": zero_copy.name(),
        "why": why,
    })
}

fn facts_of(facts: &Facts) -> Value {
    json!({
        "kernel": facts.host.kernel,
        "arch": facts.host.arch,
        "cpus": facts.host.cpus,
        "hostname": facts.host.hostname,
        "btf": facts.btf,
        "lockdown": facts.lockdown.map(lockdown),
        "security_modules": facts.security_modules,
        "unprivileged_bpf_disabled": facts.unprivileged_bpf_disabled,
        "perf_event_paranoid": facts.perf_event_paranoid,
        "kptr_restrict": facts.kptr_restrict,
        "kernel_addresses": facts.kernel_addresses,
        "bpf_jit_enable": facts.bpf_jit_enable,
        "tracefs": facts.tracefs.as_ref().map(|path| path.to_string_lossy()),
        "syscall_tracepoints": facts.syscall_tracepoints,
        "cgroup2": facts.cgroup2.as_ref().map(|path| path.to_string_lossy()),
        "initial_pid_namespace": facts.initial_pid_namespace,
        "initial_user_namespace": facts.initial_user_namespace,
        "seccomp": facts.seccomp.map(seccomp),
        "no_new_privs": facts.no_new_privs,
        "memlock_bytes": facts.memlock,
        "euid": facts.privileges.euid,
        "capabilities": facts.privileges.effective.iter().map(|capability| capability.name())
            .collect::<Vec<_>>(),
    })
}

fn lockdown(lockdown: Lockdown) -> &'static str {
    match lockdown {
        Lockdown::None => "none",
        Lockdown::Integrity => "integrity",
        Lockdown::Confidentiality => "confidentiality",
    }
}

fn seccomp(seccomp: Seccomp) -> &'static str {
    match seccomp {
        Seccomp::Off => "off",
        Seccomp::Strict => "strict",
        Seccomp::Filter => "filter",
    }
}
