//! The page of a report, and what was written over time while it was counted.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::failure::Failure;
use super::output::Output;
use crate::analysis;
use crate::capture::Observation;
use crate::model::{Audit, Moment, Profile, Snapshot};
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
    moments: &[Moment],
    output: Output,
) -> Result<(), Failure> {
    let processes = audit.facts();
    let sampled = profile.is_sampled().then_some(Sampled {
        profile,
        processes: &processes,
        window: &audit.window,
    });
    let report = html::Report {
        audit,
        sampled,
        moments,
    };
    output.write(|mut out| html::write(&mut out, &report))
}

/// Looks at a count that goes on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks(Arc<Mutex<analysis::Looks>>);

impl Looks {
    /// Looks at a count that lasts so long, if that is known.
    pub(crate) fn observation(&self, duration: Option<Duration>) -> Observation {
        let looks = self.clone();
        let every = duration.map_or(USUAL, |duration| duration / 60);
        Observation {
            every: every.clamp(SHORTEST, LONGEST),
            observer: Box::new(move |snapshot| {
                looks.add(&snapshot);
                ControlFlow::Continue(())
            }),
        }
    }

    /// Adds what was written until now.
    pub(crate) fn add(&self, snapshot: &Snapshot) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.add(snapshot.window.duration, &snapshot.flows);
    }

    /// What was written between them.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.moments()
    }
}
