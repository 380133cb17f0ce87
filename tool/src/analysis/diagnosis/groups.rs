//! The call sites of one flow, put together by what is to be said of them.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::analysis::diagnosis::matching::{Hit, Subject, best};
use crate::analysis::diagnosis::{Evidence, RuntimeFacts};
use crate::analysis::tally::mechanism;
use crate::model::{CallSite, Estimate, FindingBytes, Flow, Frame, ProcessAudit, SiteKind};

/// Part of a flow of which the same is to be said.
pub(super) struct Group<'a> {
    pub(super) hit: Option<Hit<'a>>,
    pub(super) culprit: Option<Frame>,
    pub(super) bytes: FindingBytes,
    pub(super) samples: u64,
    /// The site that moves most of it; `None` where none was sampled.
    pub(super) site: Option<&'a CallSite>,
}

/// A group whose share of the flow is not known yet.
struct Part<'a> {
    hit: Option<Hit<'a>>,
    culprit: Option<Frame>,
    sum: Estimate,
    samples: u64,
    site: &'a CallSite,
}

/// Divides `flow` among its call sites; one group without a site where none was sampled.
pub(super) fn groups<'a>(
    evidence: &Evidence<'a>,
    process: &'a ProcessAudit,
    runtime: Option<&'a RuntimeFacts>,
    flow: &'a Flow,
    sites: &[&'a CallSite],
) -> Vec<Group<'a>> {
    let subject = |site| Subject {
        process,
        runtime,
        flow,
        site,
    };
    let mut parts: Vec<Part<'a>> = Vec::new();
    for site in sites_of(flow, sites) {
        let hit = best(evidence.catalog, &subject(Some(site)));
        let culprit = culprit(evidence, site);
        match parts
            .iter_mut()
            .find(|part| part.is_alike(hit, culprit.as_ref()))
        {
            Some(part) => part.add(site, culprit),
            None => parts.push(Part {
                hit,
                culprit,
                sum: usable(site.bytes),
                samples: site.samples,
                site,
            }),
        }
    }
    if parts.is_empty() {
        return vec![Group {
            hit: best(evidence.catalog, &subject(None)),
            culprit: None,
            bytes: FindingBytes {
                value: flow.bytes,
                margin: 0,
            },
            samples: 0,
            site: None,
        }];
    }
    divide(flow.bytes, parts)
}

/// The sites of a flow. Whether the bytes were shared may have become known only after the samples:
/// where no site has the flow's answer, those of any answer are its.
fn sites_of<'a>(flow: &Flow, sites: &[&'a CallSite]) -> Vec<&'a CallSite> {
    let is_of_flow = |site: &CallSite| {
        (
            mechanism(site.call, site.class),
            site.source,
            site.sink,
            site.class,
        ) == (Some(flow.mechanism), flow.source, flow.sink, flow.class)
    };
    let alike: Vec<&CallSite> = sites
        .iter()
        .copied()
        .filter(|site| is_of_flow(site))
        .collect();
    let exact: Vec<&CallSite> = alike
        .iter()
        .copied()
        .filter(|site| site.sharing == flow.sharing)
        .collect();
    if exact.is_empty() { alike } else { exact }
}

/// Nobody makes bytes bounce that did not.
fn culprit(evidence: &Evidence<'_>, site: &CallSite) -> Option<Frame> {
    (site.kind != SiteKind::ZeroCopy).then(|| (evidence.culprit)(site))?
}

impl<'a> Part<'a> {
    /// Whether the same is to be said of a site. Where the cause is not known, the culprit is not
    /// part of it: all of the flow is one question.
    fn is_alike(&self, hit: Option<Hit<'a>>, culprit: Option<&Frame>) -> bool {
        let id = |hit: Option<Hit<'a>>| hit.map(|hit| (Arc::clone(&hit.rule.id), hit.by));
        let function = |frame: Option<&Frame>| {
            frame.map(|frame| (frame.function.clone(), frame.module.clone()))
        };
        id(self.hit) == id(hit)
            && (hit.is_none() || function(self.culprit.as_ref()) == function(culprit))
    }

    fn add(&mut self, site: &'a CallSite, culprit: Option<Frame>) {
        self.sum.add(usable(site.bytes));
        self.samples = self.samples.saturating_add(site.samples);
        if site.bytes.value.total_cmp(&self.site.bytes.value) == Ordering::Greater {
            self.site = site;
            self.culprit = culprit;
        }
    }
}

/// Nothing in place of what is no number.
fn usable(estimate: Estimate) -> Estimate {
    let is_usable = |number: f64| number.is_finite() && number >= 0.0;
    if is_usable(estimate.value) && is_usable(estimate.variance) {
        estimate
    } else {
        Estimate::default()
    }
}

/// Gives each part its share of `bytes`, by the ratio of the estimates. The whole is exact.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates that are not negative; 53 bits of them are plenty"
)]
fn divide(bytes: u64, parts: Vec<Part<'_>>) -> Vec<Group<'_>> {
    let mut whole = Estimate::default();
    for part in &parts {
        whole.add(part.sum);
    }
    let is_alone = parts.len() == 1;
    let count = parts.len() as f64;
    parts
        .into_iter()
        .map(|part| {
            let relative = if whole.value > 0.0 {
                part.sum.share_of(whole)
            } else {
                Estimate {
                    value: 1.0 / count,
                    variance: 0.0,
                }
            };
            Group {
                hit: part.hit,
                culprit: part.culprit,
                bytes: if is_alone {
                    FindingBytes {
                        value: bytes,
                        margin: 0,
                    }
                } else {
                    FindingBytes {
                        value: ((bytes as f64 * relative.value).round() as u64).min(bytes),
                        margin: (bytes as f64 * relative.margin()).ceil() as u64,
                    }
                },
                samples: part.samples,
                site: Some(part.site),
            }
        })
        .collect()
}
