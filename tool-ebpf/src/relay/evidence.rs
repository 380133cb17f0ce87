//! Whether memory still holds what was read into it.

use copytax_common::LossCounter;

use super::{
    habit::{SAMPLED, TRUSTED, UNSAMPLED},
    table::{Set, WAYS, request, set_at},
};
use crate::{
    loss, opaque,
    sample::{self, SAMPLES},
};

/// Whether the sampled runs of a way that do not overlap the memory from `from` to `to` are as they
/// were read.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn relay_unchanged_beside(index: u64, way: u64, from: u64, to: u64) -> u64 {
    let Some(set) = set_at(index) else {
        return 0;
    };
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    if set.length[way].get() <= sample::SAMPLE_LEN {
        let at = set.sampled_at[way].get();
        let is_beside = at >= to || at + u64::from(set.length[way].get()) <= from;
        return u64::from(!is_beside || is_run_unchanged(set, way));
    }
    for run in 0..SAMPLES {
        let (offset, size) = sample::run(run, set.length[way].get());
        let at = set.sampled_at[way].get() + u64::from(offset);
        let is_beside = at >= to || at + u64::from(size) <= from;
        if size != 0 && is_beside && !is_unchanged(set, way, run) {
            return 0;
        }
    }
    1
}

/// No sampled run.
pub(super) const NO_RUN: u64 = SAMPLES as u64;

/// Whether the sampled runs of a way that lie between `from` and `to` are as they were read. For a
/// piece without any: whether the nearest runs on both sides are, as far as there are any.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn relay_unchanged(index: u64, way: u64, from: u64, to: u64) -> u64 {
    let (Some(request), Some(set)) = (request(), set_at(index)) else {
        return 0;
    };
    let way = sample::masked::<{ WAYS as u64 - 1 }>(way);
    if set.length[way].get() <= sample::SAMPLE_LEN {
        return u64::from(is_run_unchanged(set, way));
    }
    let mut inside = 0;
    opaque::set(&request.before, NO_RUN);
    opaque::set(&request.behind, NO_RUN);
    for run in 0..SAMPLES {
        // Read anew for each run: there is little stack for what is kept.
        let (offset, size) = sample::run(run, opaque::get(&set.length[way]));
        let at = opaque::get(&set.sampled_at[way]) + u64::from(offset);
        let run_end = at + u64::from(size);
        if size != 0 && at >= from && run_end <= to {
            inside = 1;
            if !is_unchanged(set, way, run) {
                return 0;
            }
        } else if size != 0 && run_end <= from {
            opaque::set(&request.before, run as u64);
        } else if size != 0 && opaque::get(&request.behind) == NO_RUN {
            opaque::set(&request.behind, run as u64);
        }
    }
    if inside != 0 {
        return inside;
    }
    let is_proved = is_neighbour_unchanged(set, way, opaque::get(&request.before))
        && is_neighbour_unchanged(set, way, opaque::get(&request.behind));
    u64::from(is_proved)
}

#[inline(always)]
fn is_neighbour_unchanged(set: &Set, way: usize, run: u64) -> bool {
    run >= NO_RUN || is_unchanged(set, way, run as usize)
}

/// Whether the only run of a way is as it was read, as far as it was sampled ([`super::habit`]).
#[inline(always)]
fn is_run_unchanged(set: &Set, way: usize) -> bool {
    let how = set.samples[way][1].get();
    if how == UNSAMPLED {
        loss::count(LossCounter::ContentUnreadable);
    }
    how == TRUSTED || (how == SAMPLED && is_unchanged(set, way, 0))
}

#[inline(always)]
fn is_unchanged(set: &Set, way: usize, run: usize) -> bool {
    let (offset, size) = sample::run(run, set.length[way].get());
    let address = set.sampled_at[way].get() + u64::from(offset);
    matches(address, size, set.samples[way][run].get())
}

#[inline(always)]
fn matches(address: u64, length: u32, expected: u32) -> bool {
    let hash = sample::hash_at(address, u64::from(length));
    if hash == sample::UNREADABLE {
        loss::count(LossCounter::ContentUnreadable);
        return false;
    }
    hash == u64::from(expected)
}
