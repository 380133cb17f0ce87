//! Samples tell shares, counts tell sums: call sites of the bytes of a flow are made to add up to it.

use std::collections::BTreeMap;

use crate::model::{Call, CallSite, Class, EndpointKind, Estimate, FlowCount, ProcessId, Snapshot};

/// What counts and call sites have in common. Whether bytes were shared is left out: it may have become
/// known only after they were sampled.
type Key = (ProcessId, Call, EndpointKind, EndpointKind, Class);

/// The call sites of the same bytes together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sites {
    /// Bytes.
    pub bytes: Estimate,
    /// Samples.
    pub samples: u64,
}

/// Scales the estimates of call sites, so that those of the bytes of one flow add up to what was counted
/// of it: a ratio estimator (Cochran, Sampling Techniques, 3rd edition, chapter 6). Where nothing was
/// counted they stay as they are.
pub fn calibrate(snapshot: &mut Snapshot) {
    let counted = counted(&snapshot.flows);
    let sampled = sampled(&snapshot.profile.call_sites);
    for site in &mut snapshot.profile.call_sites {
        let key = key_of(site);
        let (Some(&bytes), Some(sites)) = (counted.get(&key), sampled.get(&key)) else {
            continue;
        };
        if bytes > 0 && sites.bytes.value > 0.0 {
            #[expect(
                clippy::cast_precision_loss,
                reason = "an estimate; 53 bits of it are plenty"
            )]
            let factor = bytes as f64 / sites.bytes.value;
            site.bytes = site.bytes.times(factor);
            site.calls = site.calls.times(factor);
        }
    }
}

/// What call sites of the same bytes add up to.
#[derive(Debug, Default)]
pub struct Totals(BTreeMap<Key, Sites>);

impl Totals {
    /// Of all call sites of a profile.
    #[must_use]
    pub fn of<'a>(sites: impl IntoIterator<Item = &'a CallSite>) -> Self {
        Self(sampled(sites))
    }

    /// Those of the bytes of `site`.
    #[must_use]
    pub fn beside(&self, site: &CallSite) -> Sites {
        self.0.get(&key_of(site)).copied().unwrap_or_default()
    }
}

fn counted(flows: &[FlowCount]) -> BTreeMap<Key, u64> {
    let mut counted = BTreeMap::new();
    for flow in flows {
        let key = (flow.process, flow.call, flow.source, flow.sink, flow.class);
        let bytes: &mut u64 = counted.entry(key).or_default();
        *bytes = bytes.saturating_add(flow.bytes);
    }
    counted
}

fn sampled<'a>(sites: impl IntoIterator<Item = &'a CallSite>) -> BTreeMap<Key, Sites> {
    let mut sampled: BTreeMap<Key, Sites> = BTreeMap::new();
    for site in sites {
        let sums = sampled.entry(key_of(site)).or_default();
        sums.bytes.add(site.bytes);
        sums.samples = sums.samples.saturating_add(site.samples);
    }
    sampled
}

const fn key_of(site: &CallSite) -> Key {
    (site.process, site.call, site.source, site.sink, site.class)
}

#[cfg(test)]
mod tests {
    use super::{Totals, calibrate};
    use crate::analysis::fixture::{flow, profile, snapshot};
    use crate::model::{Call, CallSite, Class, EndpointKind, Estimate};

    fn site(value: f64) -> CallSite {
        CallSite {
            call: Call::Write,
            source: EndpointKind::File,
            sink: EndpointKind::Tcp,
            class: Class::SameBuffer,
            ..profile::go_wrapper(Estimate {
                value,
                variance: value,
            })
        }
    }

    #[test]
    fn call_sites_add_up_to_what_was_counted() {
        let sites = vec![site(600.0), site(200.0)];
        let pid = sites[0].process.pid;
        let ends = (EndpointKind::File, EndpointKind::Tcp);
        let mut snapshot = snapshot();
        snapshot.flows = vec![flow(pid, Call::Write, ends, Class::SameBuffer, 400, 4)];
        snapshot.profile.call_sites = sites;
        calibrate(&mut snapshot);
        let sites = &snapshot.profile.call_sites;
        let values: Vec<_> = sites.iter().map(|site| site.bytes.value).collect();
        assert_eq!(values, [300.0, 100.0]);
        let total = Totals::of(sites).beside(&sites[0]);
        assert!((total.bytes.value - 400.0).abs() < 1e-9);
        assert_eq!(total.samples, sites[0].samples + sites[1].samples);
    }

    #[test]
    fn what_was_not_counted_stays_as_it_was_sampled() {
        let mut snapshot = snapshot();
        snapshot.profile.call_sites = vec![site(600.0)];
        calibrate(&mut snapshot);
        assert_eq!(snapshot.profile.call_sites, [site(600.0)]);
    }
}
