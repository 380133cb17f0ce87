//! From flows to findings.

use std::sync::Arc;

use crate::analysis::diagnosis::Evidence;
use crate::analysis::diagnosis::egress::{egress, share};
use crate::analysis::diagnosis::groups::{Group, groups};
use crate::analysis::diagnosis::saving::{Costs, saving};
use crate::analysis::diagnosis::select::is_at_issue;
use crate::analysis::doctor::network::{ZeroCopy, zero_copy};
use crate::analysis::transfers::typical_size_by_bytes;
use crate::model::{CallSite, Device, Finding, Flow, Frame, ProcessAudit, SmallTransfers, Verdict};

/// What is to be said of the flows of a process, by its call `sites`, and what that `costs`.
pub(super) fn of_process(
    evidence: &Evidence<'_>,
    costs: &Costs<'_>,
    sites: &[&CallSite],
) -> Vec<Finding> {
    let process = costs.process;
    let runtime = evidence.runtimes.get(&process.id);
    let mut findings: Vec<Finding> = Vec::new();
    for flow in process.flows.iter().filter(|flow| is_at_issue(flow)) {
        for group in groups(evidence, process, runtime, flow, sites) {
            let Some(finding) = of_group(evidence, costs, flow, group) else {
                continue;
            };
            match findings.iter_mut().find(|known| is_same(known, &finding)) {
                Some(known) => merge(known, finding),
                None => findings.push(finding),
            }
        }
    }
    let whole = egress(&process.bytes);
    for finding in &mut findings {
        finding.share = share(finding.bytes.value, whole);
    }
    findings
}

/// `None` where there is nothing to say.
fn of_group(
    evidence: &Evidence<'_>,
    costs: &Costs<'_>,
    flow: &Flow,
    group: Group<'_>,
) -> Option<Finding> {
    let rule = group.hit.map(|hit| hit.rule);
    if group.bytes.value == 0 || (rule.is_none() && !flow.lost) {
        return None;
    }
    let below = rule.and_then(|rule| rule.too_small_below);
    let small = small(flow, below.unwrap_or(u64::MAX).min(evidence.break_even()));
    let verdict = match rule.map(|rule| rule.verdict) {
        Some(Verdict::Healthy) => return None,
        Some(Verdict::Fixable) | None if small.is_some() => Verdict::TooSmall,
        Some(verdict) => verdict,
        None => Verdict::Unknown,
    };
    let process = costs.process;
    let bytes = group.bytes;
    let egress = group
        .site
        .and_then(|site| egress_of(evidence, process, site));
    // What is copied all the same costs no less.
    let is_fixed = !egress.as_ref().is_some_and(is_copying);
    let saving = (verdict == Verdict::Fixable && flow.lost && is_fixed)
        .then(|| saving(costs, flow, bytes.value))
        .flatten();
    Some(Finding {
        rule: rule.map(|rule| Arc::clone(&rule.id)),
        verdict,
        process: process.id,
        title: rule.map(|rule| Arc::clone(&rule.title)),
        cause: rule.map(|rule| Arc::clone(&rule.cause)),
        fix: rule.map(|rule| Arc::clone(&rule.fix)),
        references: rule.map_or_else(Vec::new, |rule| rule.references.clone()),
        mechanism: flow.mechanism,
        source: flow.source,
        sink: flow.sink,
        evidence: flow.class,
        sharing: flow.sharing,
        lost: flow.lost,
        bytes,
        share: None,
        small: small.filter(|_| verdict == Verdict::TooSmall),
        saving,
        egress,
        matched_by: group.hit.map(|hit| hit.by),
        samples: group.samples,
        culprit: group.culprit,
        write: group.site.map(|site| Arc::clone(&site.write)),
        read: group.site.and_then(|site| site.read.clone()),
    })
}

/// Whether the kernel copies what leaves by a device in spite of zero-copy calls.
fn is_copying(device: &Device) -> bool {
    zero_copy(device).0 == ZeroCopy::Copied
}

/// The device that what a site sends leaves by.
fn egress_of(evidence: &Evidence<'_>, process: &ProcessAudit, site: &CallSite) -> Option<Device> {
    let sink = Arc::clone(site.sink_name.as_ref()?);
    evidence.egress.get(&(process.id, sink)).cloned()
}

/// That the transfers of a flow are too short; `None` where they are not, or it is not known.
fn small(flow: &Flow, break_even: u64) -> Option<SmallTransfers> {
    let typical = typical_size_by_bytes(&flow.transfers)?;
    (typical < break_even).then_some(SmallTransfers {
        typical,
        break_even,
    })
}

/// Whether two findings of one process say the same of the same ends.
fn is_same(a: &Finding, b: &Finding) -> bool {
    let function = |frame: &Option<Frame>| {
        let frame = frame.as_ref();
        frame.map(|frame| (frame.function.clone(), frame.module.clone()))
    };
    (&a.rule, a.verdict, a.matched_by, a.source, a.sink, a.lost)
        == (&b.rule, b.verdict, b.matched_by, b.source, b.sink, b.lost)
        && (a.mechanism, function(&a.culprit)) == (b.mechanism, function(&b.culprit))
}

/// Adds what `other` says; of the two, the larger one's evidence and stacks stay.
fn merge(known: &mut Finding, other: Finding) {
    let (a, b) = (known.bytes, other.bytes);
    let samples = known.samples.saturating_add(other.samples);
    let both = known.saving.zip(other.saving);
    let saving = both.map(|(a, b)| a.with(b));
    if b.value > a.value {
        *known = other;
    }
    known.samples = samples;
    known.saving = saving;
    known.bytes.value = a.value.saturating_add(b.value);
    // Whole flows have no margin; parts of two flows are estimated apart from each other.
    known.bytes.margin = independent(a.margin, b.margin);
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "margins of estimates"
)]
fn independent(a: u64, b: u64) -> u64 {
    (a as f64).hypot(b as f64).ceil() as u64
}
