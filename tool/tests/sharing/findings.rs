//! What a diagnosis says of the worker.

use std::collections::{BTreeMap, BTreeSet};

use copytax::analysis::catalog::Catalog;
use copytax::analysis::diagnosis::{Egress, Evidence, diagnose};
use copytax::analysis::{audit, culprit};
use copytax::model::{Profile, Snapshot};

use crate::worker::NAME;

/// The rules that apply, by sums alone: no call site is looked at.
pub(crate) fn of(snapshot: Snapshot) -> BTreeSet<String> {
    let audit = audit(snapshot);
    let findings = diagnose(&Evidence {
        audit: &audit,
        profile: &Profile::default(),
        runtimes: &BTreeMap::new(),
        catalog: Catalog::builtin(),
        calibration: None,
        egress: &Egress::new(),
        culprit: &|site| culprit(site).map(|culprit| culprit.frame.clone()),
    });
    let is_worker = |pid| {
        let mut processes = audit.processes.iter();
        processes.any(|process| process.id == pid && process.facts.comm == NAME)
    };
    let own = findings.iter().filter(|finding| is_worker(finding.process));
    own.filter_map(|finding| finding.rule.as_deref().map(str::to_owned))
        .collect()
}
