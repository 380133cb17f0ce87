//! Who pays for copies, why, and what to do about it: a catalog of rules, matched with the flows of
//! an audit and the call sites of a profile.

mod egress;
mod filter;
mod finding;
mod groups;
mod matching;
mod saving;
mod select;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use self::saving::Costs;
use crate::analysis::catalog::Catalog;
use crate::analysis::cpu_times;
use crate::analysis::lab::measured_break_even;
use crate::model::{Audit, Calibration, CallSite, Device, Finding, Frame, ProcessId, Profile};

pub use egress::egress;
pub(crate) use egress::share;
pub use filter::{FailOn, Selection, WrongFailOn, parse_verdict};
pub use matching::RuntimeFacts;

/// Transfers of fewer bytes are left to read and write where nothing was measured: below about
/// 32 KiB a response, published rules of thumb say, sendfile does not pay.
const BREAK_EVEN: u64 = 32 << 10;

/// Devices by process and name of the sink, as call sites have it.
pub type Egress = BTreeMap<(ProcessId, Arc<str>), Device>;

/// What a diagnosis goes by.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Exact sums.
    pub audit: &'a Audit,
    /// Sampled call sites; empty where nothing was sampled.
    pub profile: &'a Profile,
    /// What is known of the processes; those that are not in it have an unknown runtime.
    pub runtimes: &'a BTreeMap<ProcessId, RuntimeFacts>,
    /// The rules.
    pub catalog: &'a Catalog,
    /// What was measured of the machine of the audit; `None` where nothing was.
    pub calibration: Option<&'a Calibration>,
    /// Devices that sinks are reached by; those that are not in it have an unknown one.
    pub egress: &'a Egress,
    /// The function that makes the bytes of a site bounce.
    pub culprit: &'a dyn Fn(&CallSite) -> Option<Frame>,
}

impl Evidence<'_> {
    /// From how many bytes on a transfer gains by a zero-copy call.
    fn break_even(&self) -> u64 {
        self.calibration.map_or(BREAK_EVEN, |calibration| {
            measured_break_even(calibration, BREAK_EVEN)
        })
    }
}

/// What is to be said of all flows, dearest first: by lost bytes, then by bytes.
///
/// Each lost flow is in findings, whether a rule matches or not, unless a rule says that it is
/// healthy; other flows where a rule matches.
#[must_use]
pub fn diagnose(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut sites: BTreeMap<ProcessId, Vec<&CallSite>> = BTreeMap::new();
    for site in &evidence.profile.call_sites {
        sites.entry(site.process).or_default().push(site);
    }
    let times = cpu_times(&evidence.profile.cpu);
    let mut findings: Vec<Finding> = Vec::new();
    for process in &evidence.audit.processes {
        let own = sites.get(&process.id).map_or(&[][..], Vec::as_slice);
        let costs = Costs {
            process,
            cpu: times.get(&process.id),
            calibration: evidence.calibration,
            window: evidence.audit.window.duration,
        };
        findings.extend(finding::of_process(evidence, &costs, own));
    }
    // Stable: what costs the same stays in the order of the processes.
    findings.sort_by_key(|finding| {
        let bytes = finding.bytes.value;
        Reverse((if finding.lost { bytes } else { 0 }, bytes))
    });
    findings
}
