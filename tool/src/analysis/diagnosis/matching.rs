//! Whether a rule applies.

use crate::analysis::catalog::{Catalog, Conditions, Refusal, Rule, Version};
use crate::analysis::culprit::is_own_loop;
use crate::analysis::transfers::typical_size_by_bytes;
use crate::model::{CallSite, Flow, MatchedBy, Mechanism, ProcessAudit};

/// What is known of the runtime of a process, as far as rules ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeFacts {
    /// Its name, one of [`crate::analysis::catalog::RUNTIMES`]; `None` where it is not known.
    pub name: Option<String>,
    /// Its version as it writes it; `None` where it is not known.
    pub version: Option<String>,
}

/// What a rule is held against.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) process: &'a ProcessAudit,
    pub(super) runtime: Option<&'a RuntimeFacts>,
    pub(super) flow: &'a Flow,
    /// A call site of the flow; `None` to go by the flow alone.
    pub(super) site: Option<&'a CallSite>,
}

/// A rule that applies, and by what.
#[derive(Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) rule: &'a Rule,
    pub(super) by: MatchedBy,
}

/// The rule that says most of `subject`: the one that asks for most frames, then the one of a
/// runtime, then the one that asks for most facts, then the first.
pub(super) fn best<'a>(catalog: &'a Catalog, subject: &Subject<'_>) -> Option<Hit<'a>> {
    let mut best: Option<((usize, bool, usize), Hit<'a>)> = None;
    for rule in catalog.rules() {
        let fitting = rule
            .conditions
            .iter()
            .filter(|conditions| applies(rule, conditions, subject));
        for conditions in fitting {
            let frames = conditions.frames();
            let strength = (frames, rule.runtime.is_some(), conditions.facts());
            let by = if conditions.wants_stacks() {
                MatchedBy::Stack
            } else {
                MatchedBy::Flow
            };
            if best.as_ref().is_none_or(|(other, _)| strength > *other) {
                best = Some((strength, Hit { rule, by }));
            }
        }
    }
    best.map(|(_, hit)| hit)
}

fn applies(rule: &Rule, conditions: &Conditions, subject: &Subject<'_>) -> bool {
    is_of_runtime(rule, conditions, subject.runtime)
        && flow_fits(conditions, subject.flow)
        && process_fits(conditions, subject)
        && site_fits(conditions, subject.site)
}

/// Whether the process runs on what the rule is about. Where that is not known, or its version is
/// not, frames tell: a rule that wants none does not apply.
fn is_of_runtime(rule: &Rule, conditions: &Conditions, runtime: Option<&RuntimeFacts>) -> bool {
    let unknown = conditions.wants_stacks();
    let Some(wanted) = rule.runtime.as_deref() else {
        return true;
    };
    let Some(found) = runtime.and_then(|runtime| runtime.name.as_deref()) else {
        return unknown;
    };
    if found != wanted {
        return false;
    }
    let Some(range) = &rule.versions else {
        return true;
    };
    let version = runtime.and_then(|runtime| runtime.version.as_deref());
    version
        .and_then(Version::parse)
        .map_or(unknown, |version| range.contains(version))
}

fn flow_fits(conditions: &Conditions, flow: &Flow) -> bool {
    conditions.lost.is_none_or(|lost| lost == flow.lost)
        && any(&conditions.class, &flow.class)
        && any(&conditions.mechanism, &flow.mechanism)
        && any(&conditions.source, &flow.source)
        && any(&conditions.sink, &flow.sink)
        && any(&conditions.sharing, &flow.sharing)
        && conditions
            .transfer
            .is_none_or(|bounds| bounds.hold(typical_size_by_bytes(&flow.transfers)))
}

/// An empty list asks for nothing.
fn any<T: PartialEq>(wanted: &[T], found: &T) -> bool {
    wanted.is_empty() || wanted.contains(found)
}

fn process_fits(conditions: &Conditions, subject: &Subject<'_>) -> bool {
    let is_compression_like = subject.process.compression_like.is_some();
    let was_refused = |refusal: &Refusal| {
        refusals(subject).any(|(mechanism, errno)| {
            any(&refusal.mechanism, &mechanism) && any(&refusal.errno, &errno)
        })
    };
    (!conditions.compression_like || is_compression_like)
        && conditions.refused.as_ref().is_none_or(was_refused)
        && !(conditions.not_refused && refusals(subject).next().is_some())
}

/// Calls that the kernel had refused before the bytes of the flow bounced.
fn refusals<'a>(subject: &Subject<'a>) -> impl Iterator<Item = (Mechanism, u16)> + 'a {
    let flow = subject.flow;
    let fallbacks = subject.process.fallbacks.iter();
    fallbacks
        .filter(|fallback| (fallback.then.source, fallback.then.sink) == (flow.source, flow.sink))
        .map(|fallback| (fallback.mechanism, fallback.errno))
}

fn site_fits(conditions: &Conditions, site: Option<&CallSite>) -> bool {
    let read = site.and_then(|site| site.read.as_deref());
    (!conditions.own_loop || site.is_some_and(is_own_loop))
        && conditions.write.fit(site.map(|site| &*site.write))
        && conditions.read.fit(read)
}
