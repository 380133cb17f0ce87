//! The checks themselves.

mod kernel;
mod process;

use super::{Blocks, Check, Status, probe};
use crate::host::facts::{Facts, PROBE_RAW, PROBE_TRACEPOINT};
use crate::host::kernel::Version;
use crate::model::Engine;

/// Every check.
pub(super) fn all(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![
        kernel::kernel(facts),
        kernel::btf(facts),
        process::privileges(facts),
        process::process_facts(facts),
        kernel::lockdown(facts),
        kernel::memlock(facts),
        kernel::jit(facts),
        kernel::symbols(facts),
        kernel::tracefs(facts),
        process::pid_namespace(facts),
        process::seccomp(facts),
        process::security_modules(facts),
        kernel::cgroups(facts),
    ];
    checks.extend(facts.probes.iter().map(|probe| match &probe.result {
        Ok(()) => works(probe.name, "loaded and attached"),
        Err(error) => {
            let blocks = Blocks {
                raw: probe.name == PROBE_RAW,
                tracepoint: probe.name == PROBE_TRACEPOINT,
            };
            let status = if blocks == Blocks::default() {
                Status::Degraded
            } else {
                Status::Refused
            };
            Check {
                blocks,
                ..wrong(probe.name, status, error, "the kernel refused it", "")
            }
        }
    }));
    checks
}

fn works(name: &'static str, found: impl Into<String>) -> Check {
    wrong(name, Status::Works, found, "", "")
}

fn wrong(
    name: &'static str,
    status: Status,
    found: impl Into<String>,
    consequence: &str,
    remedy: &str,
) -> Check {
    Check {
        name,
        status,
        found: found.into(),
        consequence: consequence.to_owned(),
        remedy: remedy.to_owned(),
        blocks: Blocks::default(),
    }
}

/// A check that keeps the engines of `blocks` from running.
fn refused(
    name: &'static str,
    blocks: Blocks,
    found: impl Into<String>,
    consequence: &str,
    remedy: &str,
) -> Check {
    Check {
        blocks,
        ..wrong(name, Status::Refused, found, consequence, remedy)
    }
}

fn version(facts: &Facts) -> Option<Version> {
    Version::of_release(&facts.host.kernel)
}

/// Whether some engine was really loaded.
fn proven(facts: &Facts) -> bool {
    let loaded = |engine| probe(facts, engine).is_some_and(Result::is_ok);
    loaded(Engine::Raw) || loaded(Engine::Tracepoint)
}
