//! Who moves bytes now and did not, or the other way round.

use std::collections::BTreeMap;

use crate::analysis::comparison::Run;
use crate::analysis::comparison::matching::{Group, Members};
use crate::analysis::culprit;
use crate::analysis::tally::mechanism;
use crate::model::{CallSite, EndpointKind, Frame, Mechanism, SiteKind};

/// What was not met in so many samples may still have been 3 / samples of it (the rule of three): that
/// much must have been expected for it to be gone, or new.
const EXPECTED: f64 = 3.0;

/// Least share of the bytes that were sampled that is told.
const LEAST_SHARE: f64 = 0.01;

/// A way by which bytes move.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Carrier {
    /// What kind of bytes.
    pub kind: SiteKind,
    /// How they move.
    pub mechanism: Mechanism,
    /// Where they come from.
    pub source: EndpointKind,
    /// Where they go.
    pub sink: EndpointKind,
    /// The function that decides so: of bytes that bounce the culprit; `None` where it is not known.
    /// Untrusted.
    pub function: Option<String>,
}

/// One that is gone or new.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteChange {
    /// Which one.
    pub carrier: Carrier,
    /// Whether it is new; gone if not.
    pub is_new: bool,
    /// Where it is in its source, as far as that is known.
    pub frame: Option<Frame>,
    /// Bytes of the side that has it, estimated.
    pub bytes: f64,
    /// Half the width of the interval that has the true number in 95 of 100 cases.
    pub margin: f64,
}

#[derive(Default)]
struct Sampled {
    bytes: crate::model::Estimate,
    frame: Option<Frame>,
}

/// Sites of a side, and samples of all of them.
struct Side {
    sites: BTreeMap<Carrier, Sampled>,
    bytes: f64,
    samples: u64,
}

/// What changed of the sites of a group; most bytes first.
pub(super) fn changes(base: &[Run<'_>], new: &[Run<'_>], group: &Group) -> Vec<SiteChange> {
    let old = Side::of(base, &group.base);
    let now = Side::of(new, &group.new);
    let mut changes: Vec<SiteChange> = gone(&old, &now, false).collect();
    changes.extend(gone(&now, &old, true));
    changes.sort_by(|a, b| b.bytes.total_cmp(&a.bytes));
    changes
}

/// Sites of one side that the other would have met if it had them.
#[expect(clippy::cast_precision_loss, reason = "a share")]
fn gone<'a>(
    side: &'a Side,
    other: &'a Side,
    is_new: bool,
) -> impl Iterator<Item = SiteChange> + 'a {
    let is_missing = move |carrier: &Carrier, sampled: &Sampled| {
        let share = sampled.bytes.value / side.bytes;
        let expected = share * other.samples as f64;
        !other.sites.contains_key(carrier) && share >= LEAST_SHARE && expected >= EXPECTED
    };
    let missing = side.sites.iter();
    missing
        .filter(move |(carrier, sampled)| is_missing(carrier, sampled))
        .map(move |(carrier, sampled)| SiteChange {
            carrier: carrier.clone(),
            is_new,
            frame: sampled.frame.clone(),
            bytes: sampled.bytes.value,
            margin: sampled.bytes.margin(),
        })
}

impl Side {
    fn of(runs: &[Run<'_>], members: &Members) -> Self {
        let mut side = Self {
            sites: BTreeMap::new(),
            bytes: 0.0,
            samples: 0,
        };
        for (index, run) in runs.iter().enumerate() {
            let sites = run.profile.call_sites.iter();
            for site in sites.filter(|site| members.contains(&(index, site.process))) {
                let Some(mechanism) = mechanism(site.call, site.class) else {
                    continue;
                };
                let frame = decider(site);
                let carrier = Carrier {
                    kind: site.kind,
                    mechanism,
                    source: site.source,
                    sink: site.sink,
                    function: frame.and_then(|frame| frame.function.as_deref().map(str::to_owned)),
                };
                let sampled = side.sites.entry(carrier).or_default();
                sampled.bytes.add(site.bytes);
                if sampled.frame.is_none() {
                    sampled.frame = frame.cloned();
                }
                side.bytes += site.bytes.value;
                side.samples += site.samples;
            }
        }
        side
    }
}

/// The culprit, where there is one; who else moves bytes is the first function that is not the runtime's.
fn decider(site: &CallSite) -> Option<&Frame> {
    culprit(site).map(|culprit| culprit.frame)
}
