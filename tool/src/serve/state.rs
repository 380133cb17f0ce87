//! What was counted last, and what is made of it when somebody asks.

use std::sync::{Arc, Mutex, PoisonError};

use crate::analysis;
use crate::analysis::Looks;
use crate::analysis::groups::{Grouped, Groups};
use crate::model::{Audit, Moment, Profile, Snapshot};

/// Adds findings to an audit.
type Diagnose = dyn Fn(&mut Audit, &Profile) + Send + Sync;

/// The snapshot that was taken last. An audit is made when it is asked for, once of each snapshot.
pub(crate) struct Latest {
    state: Mutex<State>,
    diagnose: Box<Diagnose>,
}

struct State {
    snapshot: Option<Snapshot>,
    made: Option<Arc<Made>>,
    groups: Groups,
    looks: Looks,
}

/// What is made of a snapshot.
pub(crate) struct Made {
    pub(crate) audit: Audit,
    pub(crate) profile: Profile,
    pub(crate) grouped: Grouped,
    pub(crate) moments: Vec<Moment>,
}

impl Latest {
    /// Nothing yet; at most `groups` groups of processes are told apart.
    pub(crate) fn new(groups: usize, diagnose: Box<Diagnose>) -> Self {
        Self {
            state: Mutex::new(State {
                snapshot: None,
                made: None,
                groups: Groups::new(groups),
                looks: Looks::default(),
            }),
            diagnose,
        }
    }

    /// Takes a new snapshot, in place of the last one.
    pub(crate) fn look(&self, snapshot: Snapshot) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (elapsed, flows) = (snapshot.window.duration, &snapshot.flows);
        state.looks.add(elapsed, flows);
        state.snapshot = Some(snapshot);
    }

    /// Whether there is anything to tell.
    pub(crate) fn has_counted(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.snapshot.is_some() || state.made.is_some()
    }

    /// What is known now; `None` before the first snapshot.
    pub(crate) fn made(&self) -> Option<Arc<Made>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut snapshot) = state.snapshot.take() else {
            return state.made.clone();
        };
        analysis::calibrate(&mut snapshot);
        let profile = std::mem::take(&mut snapshot.profile);
        let mut audit = analysis::audit(snapshot);
        (self.diagnose)(&mut audit, &profile);
        let grouped = state.groups.add_up(&audit);
        let made = Arc::new(Made {
            audit,
            profile,
            grouped,
            moments: state.looks.moments(),
        });
        state.made = Some(Arc::clone(&made));
        Some(made)
    }
}
