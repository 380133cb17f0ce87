//! What came after an earlier snapshot of the same capture: a recording that begins in its middle.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::{CallSite, Estimate, Profile, Snapshot, Window};

/// What `now` has more than `before`. Sites stay at their places, also those without samples.
pub(crate) fn since(now: &Snapshot, before: &Snapshot) -> Snapshot {
    let passed = before.window.duration;
    let mut rest = now.clone();
    rest.window = Window {
        start: now.window.start + passed,
        start_ns: now
            .window
            .start_ns
            .saturating_add(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)),
        duration: now.window.duration.saturating_sub(passed),
    };
    rest.loss = now.loss.since(&before.loss);
    rest.profile = profile_since(&now.profile, &before.profile);
    less(
        &mut rest.flows,
        &before.flows,
        |flow| {
            (
                flow.process,
                flow.call,
                flow.source,
                flow.sink,
                flow.class,
                flow.sharing,
            )
        },
        |flow, before| {
            flow.bytes = flow.bytes.wrapping_sub(before.bytes);
            flow.calls = flow.calls.wrapping_sub(before.calls);
            flow.first_pieces = flow.first_pieces.wrapping_sub(before.first_pieces);
        },
    );
    less(
        &mut rest.errors,
        &before.errors,
        |error| {
            (
                error.process,
                error.call,
                error.source,
                error.sink,
                error.errno,
            )
        },
        |error, before| error.count = error.count.wrapping_sub(before.count),
    );
    less(
        &mut rest.transfers,
        &before.transfers,
        |transfer| {
            let flow = (transfer.process, transfer.call, transfer.source);
            let class = (transfer.sink, transfer.class, transfer.sharing);
            (flow, class, transfer.bucket)
        },
        |transfer, before| {
            transfer.count = transfer.count.wrapping_sub(before.count);
            transfer.bytes = transfer.bytes.wrapping_sub(before.bytes);
        },
    );
    rest
}

/// Takes the counts of `before` from those with the same key. The same key may be there more than once:
/// each of `before` is taken from one only.
fn less<T, K: Eq + Hash>(
    now: &mut [T],
    before: &[T],
    key: impl Fn(&T) -> K,
    take: impl Fn(&mut T, &T),
) {
    let mut places: HashMap<K, usize> = HashMap::new();
    for (place, count) in now.iter().enumerate() {
        places.entry(key(count)).or_insert(place);
    }
    for count in before {
        // What is gone counts with another process, which is more now by as much.
        if let Some(place) = places.get(&key(count)) {
            take(&mut now[*place], count);
        }
    }
}

fn profile_since(now: &Profile, before: &Profile) -> Profile {
    let mut rest = now.clone();
    rest.sampling = now.sampling.since(&before.sampling);
    for (site, before) in rest.call_sites.iter_mut().zip(&before.call_sites) {
        take_site(site, before);
    }
    for (site, before) in rest.cpu.iter_mut().zip(&before.cpu) {
        site.samples = site.samples.saturating_sub(before.samples);
        site.time = site.time.saturating_sub(before.time);
    }
    rest
}

fn take_site(site: &mut CallSite, before: &CallSite) {
    site.samples = site.samples.saturating_sub(before.samples);
    site.bytes = less_of(site.bytes, before.bytes);
    site.calls = less_of(site.calls, before.calls);
}

/// Without what rounding leaves below 0.
pub(super) fn less_of(now: Estimate, before: Estimate) -> Estimate {
    Estimate {
        value: (now.value - before.value).max(0.0),
        variance: (now.variance - before.variance).max(0.0),
    }
}
