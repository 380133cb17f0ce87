//! Processes that are the same on all machines.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::analysis::alike::{self, Key, MatchBy, key};
use crate::analysis::diagnosis::share;
use crate::analysis::fleet::{Member, Pool, Service, sum};

/// Processes with the name of their service.
pub(super) type Named<'a> = Vec<(String, Vec<Member<'a>>)>;

/// Puts those together that are the same.
pub(super) fn named<'a>(members: &[Member<'a>], by: MatchBy) -> Named<'a> {
    let mut groups: BTreeMap<Key, Vec<Member<'a>>> = BTreeMap::new();
    for member in members {
        let key = key(&member.process.facts, by);
        groups.entry(key).or_default().push(*member);
    }
    alike::named(groups)
}

/// What each did, of so many bytes that were lost in all; what lost most comes first, then what wrote
/// most.
pub(super) fn services(named: &Named<'_>, pool: &Pool, lost: u64) -> Vec<Service> {
    let services = named.iter().map(|(name, members)| {
        let sum = sum(members, pool);
        Service {
            name: name.clone(),
            sum,
            share: share(sum.bytes.lost, lost),
        }
    });
    let mut services: Vec<Service> = services.collect();
    // Stable: what is equal stays in the order of its names.
    services.sort_by_key(|service| Reverse((service.sum.bytes.lost, service.sum.egress())));
    services
}
