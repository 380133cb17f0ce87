//! Arguments about findings, and the findings of an audit.

use std::collections::BTreeMap;

use super::egress;
use super::failure::Failure;
use super::rules::RulesArgs;
use crate::analysis;
use crate::analysis::catalog::Catalog;
use crate::analysis::culprit;
use crate::analysis::diagnosis::{
    Evidence, FailOn, RuntimeFacts, Selection, diagnose, parse_verdict,
};
use crate::model::{Audit, Calibration, Finding, ProcessId, Profile, Snapshot, Verdict};
use crate::{host, lab};

/// What is said of findings.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Findings")]
pub(crate) struct DiagnosisArgs {
    #[command(flatten)]
    rules: RulesArgs,
    /// Print findings of this verdict only; give it again for more
    #[arg(long, value_name = "VERDICT", value_parser = parse_verdict)]
    only: Vec<Verdict>,
    /// Leave this rule out, by its id; give it again for more
    #[arg(long, value_name = "RULE")]
    ignore: Vec<String>,
    /// Exit with 1 if there are findings of this verdict; with a share, such as fixable:5%, if they
    /// are at least that much of what a process wrote
    #[arg(long, value_name = "VERDICT[:SHARE]")]
    fail_on: Vec<FailOn>,
}

/// The arguments, checked.
pub(crate) struct Diagnosis {
    catalog: std::borrow::Cow<'static, Catalog>,
    selection: Selection,
    fail_on: Vec<FailOn>,
    calibration: Option<Calibration>,
}

impl DiagnosisArgs {
    /// Loads the rules, and what was measured of this machine.
    pub(crate) fn load(&self) -> Result<Diagnosis, Failure> {
        let catalog = self.rules.catalog()?;
        for id in &self.ignore {
            if catalog.get(id).is_none() {
                return Err(Failure::usage(format!(
                    "--ignore: there is no rule `{id}`; `copytax explain` lists them"
                )));
            }
        }
        Ok(Diagnosis {
            catalog,
            selection: Selection {
                only: self.only.clone(),
                ignore: self.ignore.clone(),
            },
            fail_on: self.fail_on.clone(),
            calibration: calibration()?,
        })
    }
}

impl Diagnosis {
    /// The rules.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The audit of what was counted, with findings, what was sampled, and whether findings make the run
    /// fail.
    pub(crate) fn audited(&self, mut snapshot: Snapshot) -> (Audit, Profile, bool) {
        let profile = std::mem::take(&mut snapshot.profile);
        let mut audit = analysis::audit(snapshot);
        let fails = self.add_findings(&mut audit, &profile);
        (audit, profile, fails)
    }

    /// Adds findings to the audit; whether they make the run fail.
    pub(crate) fn add_findings(&self, audit: &mut Audit, profile: &Profile) -> bool {
        let findings = findings(audit, profile, &self.catalog, self.calibration.as_ref());
        let considered = self.selection.considered(findings);
        let mut conditions = self.fail_on.iter();
        let fails = conditions.any(|condition| condition.offender(&considered).is_some());
        audit.findings = self.selection.shown(considered);
        fails
    }
}

/// What `copytax lab --calibrate` has kept, if it was with this processor.
///
/// # Errors
///
/// A file that is there and cannot be used.
pub(crate) fn calibration() -> Result<Option<Calibration>, Failure> {
    let kept = lab::load_calibration().map_err(|error| {
        Failure::usage(format!(
            "{error}; delete it, or measure again by `copytax lab --calibrate`"
        ))
    })?;
    Ok(kept.filter(|kept| kept.processor == host::processor()))
}

/// All that is to be said, before any selection. What was measured counts where it is of the machine of the
/// audit.
pub(crate) fn findings(
    audit: &Audit,
    profile: &Profile,
    catalog: &Catalog,
    calibration: Option<&Calibration>,
) -> Vec<Finding> {
    diagnose(&Evidence {
        audit,
        profile,
        runtimes: &runtimes(audit),
        catalog,
        calibration: calibration.filter(|kept| kept.host == audit.host),
        egress: &egress::devices(&audit.host, profile),
        culprit: &|site| culprit(site).map(|culprit| culprit.frame.clone()),
    })
}

fn runtimes(audit: &Audit) -> BTreeMap<ProcessId, RuntimeFacts> {
    let processes = audit.processes.iter();
    processes
        .filter_map(|process| {
            let runtime = process.facts.runtime.as_ref()?;
            let facts = RuntimeFacts {
                name: Some(runtime.name.name().to_owned()),
                version: runtime.version.clone(),
            };
            Some((process.id, facts))
        })
        .collect()
}
