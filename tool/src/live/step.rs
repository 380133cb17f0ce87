//! What came in one step.

use std::collections::BTreeMap;

use crate::analysis::{audit, cpu_times};
use crate::model::{Audit, ProcessId, Profile, Snapshot};
use crate::recording::since;

/// What was counted between two looks.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The audit of this time alone.
    pub audit: Audit,
    /// Time on CPUs in system calls that move bytes, nanoseconds; `None` where CPUs were not sampled.
    pub moving: Option<BTreeMap<ProcessId, f64>>,
}

impl Step {
    /// What `now` has more than `before`, an earlier look at the same capture; all of it without one.
    #[must_use]
    pub fn between(now: &Snapshot, before: Option<&Snapshot>) -> Self {
        let mut rest = before.map_or_else(|| now.clone(), |before| since(now, before));
        let profile = std::mem::take(&mut rest.profile);
        Self {
            moving: moving(&profile),
            audit: audit(rest),
        }
    }

    /// How long it was, in seconds; never 0.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.audit.window.duration.as_secs_f64().max(1e-3)
    }
}

fn moving(profile: &Profile) -> Option<BTreeMap<ProcessId, f64>> {
    if profile.sampling.tick.is_zero() {
        return None;
    }
    let times = cpu_times(&profile.cpu);
    let times = times.into_iter();
    Some(
        times
            .map(|(process, time)| (process, time.moving().value))
            .collect(),
    )
}
