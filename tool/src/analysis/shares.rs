//! Who moves how much of what was sampled.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::analysis::culprit::{Culprit, Place, culprit};
use crate::analysis::frames::frame_name;
use crate::analysis::tally::mechanism;
use crate::model::{CallSite, Estimate, Flow};

/// Call sites that have their culprit in common.
#[derive(Debug, Clone)]
pub struct CulpritShare<'a> {
    /// Who; `None` where that is not known.
    pub culprit: Option<Culprit<'a>>,
    /// Bytes of all of them.
    pub bytes: Estimate,
    /// The same as a share of all that was looked at, 0 to 1.
    pub share: f64,
    /// Half the width of the interval that has the true share in 95 of 100 cases.
    pub margin: f64,
    /// Samples that they stand for.
    pub samples: u64,
}

/// Whether the bytes of a call site of the same process are among those of `flow`.
#[must_use]
pub fn is_of_flow(site: &CallSite, flow: &Flow) -> bool {
    (site.source, site.sink, site.class, site.sharing)
        == (flow.source, flow.sink, flow.class, flow.sharing)
        && mechanism(site.call, site.class) == Some(flow.mechanism)
}

/// The culprits of `sites`, most bytes first, those that are not known last.
#[must_use]
pub fn culprits<'a>(sites: impl IntoIterator<Item = &'a CallSite>) -> Vec<CulpritShare<'a>> {
    let mut sites: Vec<&CallSite> = sites.into_iter().collect();
    // The largest site of a group stands for it.
    sites.sort_by(|a, b| b.bytes.value.total_cmp(&a.bytes.value));
    let mut groups: BTreeMap<Option<Key<'a>>, CulpritShare<'a>> = BTreeMap::new();
    let mut total = Estimate::default();
    let mut samples = 0;
    for site in sites {
        total.add(site.bytes);
        samples += site.samples;
        let culprit = culprit(site);
        let group = groups
            .entry(culprit.as_ref().map(Key::of))
            .or_insert_with(|| CulpritShare {
                culprit,
                bytes: Estimate::default(),
                share: 0.0,
                margin: 1.0,
                samples: 0,
            });
        group.bytes.add(site.bytes);
        group.samples += site.samples;
    }
    let mut shares: Vec<_> = groups.into_values().collect();
    for group in &mut shares {
        (group.share, group.margin) = share(group.bytes, total, samples);
    }
    shares.sort_by(|a, b| b.bytes.value.total_cmp(&a.bytes.value));
    shares.sort_by_key(|group| Reverse(group.culprit.is_some()));
    shares
}

/// One function in one module, in one role.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    name: String,
    module: Option<&'a str>,
    file: Option<&'a str>,
    place: Place,
}

impl<'a> Key<'a> {
    fn of(culprit: &Culprit<'a>) -> Self {
        Self {
            name: frame_name(culprit.frame).into_owned(),
            module: culprit.frame.module.as_deref(),
            file: culprit.frame.file.as_deref(),
            place: culprit.place,
        }
    }
}

/// `part` as a share, 0 to 1, of `total`, which has `samples` samples, and half the width of the interval
/// that has the true share in 95 of 100 cases.
///
/// The variance is that of a ratio of sums of independent samples, corrected for that samples are whole
/// numbers (Cochran, Sampling Techniques, 3rd edition, section 3.6). Near 0 and 1 it says too little: what
/// `samples` samples did not show may still be 3 / `samples` of the whole (the rule of three).
#[expect(clippy::cast_precision_loss, reason = "a margin of error")]
#[must_use]
pub fn share(part: Estimate, total: Estimate, samples: u64) -> (f64, f64) {
    if total.value <= 0.0 {
        return (0.0, 1.0);
    }
    let ratio = part.share_of(total);
    let samples = samples.max(1) as f64;
    let margin = ratio.margin() + 0.5 / samples;
    (ratio.value, margin.max(3.0 / samples).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::{culprits, share};
    use crate::analysis::fixture::profile;
    use crate::model::Estimate;

    const MIB: f64 = 1_048_576.0;

    fn bytes(value: f64, samples: f64) -> Estimate {
        Estimate {
            value,
            variance: value * value / samples,
        }
    }

    #[test]
    fn call_sites_with_one_culprit_are_one() {
        let sites = [
            profile::go_wrapper(bytes(500.0 * MIB, 500.0)),
            profile::go_wrapper(bytes(12.0 * MIB, 12.0)),
            profile::nginx(bytes(488.0 * MIB, 488.0)),
            profile::nobody(bytes(24.0 * MIB, 24.0)),
        ];
        let shares = culprits(&sites);
        let names: Vec<_> = shares
            .iter()
            .map(|group| {
                group
                    .culprit
                    .and_then(|culprit| culprit.frame.function.as_deref())
            })
            .collect();
        assert_eq!(
            names,
            [Some("main.justReader.Read"), Some("ngx_read_file"), None]
        );
        assert!((shares[0].share - 0.5).abs() < 1e-9);
        // 1,024 samples: 1.96 * sqrt(0.5 * 0.5 / 1024).
        assert!(
            (shares[0].margin - 0.0306).abs() < 0.001,
            "{}",
            shares[0].margin
        );
    }

    #[test]
    fn a_share_of_all_is_not_certain() {
        let all = bytes(100.0, 30.0);
        assert_eq!(share(all, all, 30), (1.0, 0.1));
        assert_eq!(share(all, all, 0), (1.0, 1.0));
        assert_eq!(
            share(Estimate::default(), Estimate::default(), 0),
            (0.0, 1.0)
        );
    }
}
