//! The page of a report, and what was written over time while it was counted.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::failure::Failure;
use super::output::Output;
use crate::analysis;
use crate::capture::Observation;
use crate::model::{Audit, ByteClasses, Moment, ProcessFacts, ProcessId, Profile, Snapshot};
use crate::report::{Sampled, html};

/// Moments of a page: as many as a wide screen can tell apart.
pub(crate) const MOMENTS: usize = 240;

/// How often a count of unknown length is looked at: most commands are short.
const USUAL: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(100);

/// Writes what was counted and sampled as a page.
pub(crate) fn write(
    audit: &Audit,
    profile: &Profile,
    processes: &BTreeMap<ProcessId, ProcessFacts>,
    moments: &[Moment],
    output: Output,
) -> Result<(), Failure> {
    let sampled = profile.is_sampled().then_some(Sampled {
        profile,
        processes,
        window: &audit.window,
    });
    let report = html::Report {
        audit,
        sampled,
        moments,
    };
    output.write(|mut out| html::write(&mut out, &report))
}

/// What was written until each of the looks at a count that goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks(Arc<Mutex<Vec<(Duration, ByteClasses)>>>);

impl Looks {
    /// Looks at a count that lasts so long, if that is known.
    pub(crate) fn observation(&self, duration: Option<Duration>) -> Observation {
        let looks = self.clone();
        let every = duration.map_or(USUAL, |duration| duration / 60);
        Observation {
            every: every.clamp(SHORTEST, LONGEST),
            observer: Box::new(move |snapshot| {
                looks.add(snapshot);
                ControlFlow::Continue(())
            }),
        }
    }

    /// Adds what was written until now.
    pub(crate) fn add(&self, snapshot: &Snapshot) {
        let look = (
            snapshot.window.duration,
            analysis::written_by(&snapshot.flows),
        );
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.push(look);
        if looks.len() >= 2 * MOMENTS {
            // Sums: without every other one moments are twice as long.
            let mut is_kept = false;
            looks.retain(|_| {
                is_kept = !is_kept;
                !is_kept
            });
        }
    }

    /// What was written between them.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        analysis::moments_of_sums(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture::{flow, snapshot};
    use crate::model::{Call, Class, EndpointKind};

    #[test]
    fn a_long_count_has_few_moments_and_all_bytes() {
        let looks = Looks::default();
        for second in 1..=1000 {
            let ends = (EndpointKind::None, EndpointKind::Tcp);
            let written = flow(1, Call::Write, ends, Class::Generated, 7 * second, second);
            let mut snapshot = snapshot().with([written]);
            snapshot.window.duration = Duration::from_secs(second);
            looks.add(&snapshot);
        }
        let moments = looks.moments();
        assert!((MOMENTS..=2 * MOMENTS).contains(&moments.len()));
        let mut sum = ByteClasses::default();
        for moment in &moments {
            sum.add(&moment.bytes);
        }
        assert_eq!(sum.generated, 7000);
    }
}
