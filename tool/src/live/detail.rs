//! What is known of one process since counting began.

use crate::analysis::{culprits, frame_name};
use crate::model::{Audit, CallSite, EndpointKind, ProcessId, Profile, Snapshot, Verdict};
use crate::report;

/// Call sites that are shown.
const SITES: usize = 6;

/// Who moves its bytes, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Whose.
    pub process: ProcessId,
    /// The hottest call sites: function and place, share of its bytes.
    pub sites: Vec<String>,
    /// Findings: what they are, and what mends them.
    pub findings: Vec<(String, Option<String>)>,
}

impl Detail {
    /// Of a process, from an audit with findings and a profile of all that was counted so far.
    #[must_use]
    pub fn of(process: ProcessId, audit: &Audit, profile: &Profile) -> Self {
        let findings = audit.findings.iter();
        let findings = findings.filter(|finding| finding.process == process);
        Self {
            process,
            sites: sites(process, profile),
            findings: findings
                .map(|finding| {
                    let verdict = match finding.verdict {
                        Verdict::Unknown => "cause unknown".to_owned(),
                        verdict => verdict.name().replace('_', " "),
                    };
                    let title = match &finding.title {
                        Some(title) => title.to_string(),
                        None => report::endpoints(finding.source, finding.sink),
                    };
                    let bytes = report::bytes(finding.bytes.value);
                    let fix = finding.fix.as_deref().map(report::escape);
                    let title = report::escape(&title);
                    (format!("{verdict}: {title} ({bytes})"), fix)
                })
                .collect(),
        }
    }
}

/// What of a look is about one process.
pub(super) fn restricted(all: &Snapshot, process: ProcessId) -> Snapshot {
    let facts = all.processes.get(&process);
    Snapshot {
        host: all.host.clone(),
        window: all.window,
        engine: all.engine,
        flows: only(&all.flows, |flow| flow.process == process),
        errors: only(&all.errors, |error| error.process == process),
        transfers: only(&all.transfers, |transfer| transfer.process == process),
        processes: facts
            .map(|facts| (process, facts.clone()))
            .into_iter()
            .collect(),
        loss: all.loss,
        command: None,
        profile: Profile {
            call_sites: only(&all.profile.call_sites, |site| site.process == process),
            cpu: Vec::new(),
            sampling: all.profile.sampling,
            ..Profile::default()
        },
        without_profile: None,
        is_incomplete: true,
    }
}

fn only<T: Clone>(all: &[T], is_wanted: impl Fn(&&T) -> bool) -> Vec<T> {
    all.iter().filter(is_wanted).cloned().collect()
}

fn sites(process: ProcessId, profile: &Profile) -> Vec<String> {
    let own = profile.call_sites.iter();
    let own: Vec<&CallSite> = own
        .filter(|site| site.process == process && site.sink != EndpointKind::None)
        .collect();
    let shares = culprits(own.iter().copied());
    let shares = shares.iter().take(SITES);
    shares
        .map(|group| {
            let percent = 100.0 * group.share;
            let Some(culprit) = &group.culprit else {
                return format!("{percent:3.0}%  code that is not known");
            };
            let name = report::escape(&frame_name(culprit.frame));
            let place = culprit.frame.file.as_deref().map(|file| {
                let file = report::escape(crate::analysis::file_name(file));
                match culprit.frame.line {
                    Some(line) => format!("  {file}:{line}"),
                    None => format!("  {file}"),
                }
            });
            format!("{percent:3.0}%  {name}{}", place.unwrap_or_default())
        })
        .collect()
}
