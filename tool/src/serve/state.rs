//! What was counted last, and what is made of it when somebody asks.

use std::sync::{Arc, Mutex, PoisonError};

use super::names::{Namer, Names};
use super::push::Tallies;
use crate::analysis;
use crate::analysis::Looks;
use crate::analysis::groups::Groups;
use crate::host::own;
use crate::model::{Audit, Moment, Profile, Snapshot};
use crate::report::metrics::Numbers;

/// Adds findings to an audit.
type Diagnose = dyn Fn(&mut Audit, &Profile) + Send + Sync;

/// The snapshot that was taken last. An audit is made when it is asked for, once of each snapshot.
pub(crate) struct Latest {
    state: Mutex<State>,
    diagnose: Box<Diagnose>,
    tallies: Tallies,
    namer: Option<Mutex<Namer>>,
}

struct State {
    snapshot: Option<Arc<Snapshot>>,
    /// Of the containers in it; `None` where nobody is asked.
    names: Option<Names>,
    /// What was made of `snapshot`.
    made: Option<Arc<Made>>,
    groups: Groups,
    looks: Looks,
}

/// What is made of a snapshot.
pub(crate) struct Made {
    pub(crate) audit: Audit,
    pub(crate) profile: Profile,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) moments: Vec<Moment>,
}

impl Latest {
    /// Nothing yet; at most `groups` groups of processes are told apart, `tallies` are told with the rest, and
    /// `namer` knows what containers are called.
    pub(crate) fn new(
        groups: usize,
        diagnose: Box<Diagnose>,
        tallies: Tallies,
        namer: Option<Namer>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                snapshot: None,
                names: None,
                made: None,
                groups: Groups::new(groups),
                looks: Looks::default(),
            }),
            diagnose,
            tallies,
            namer: namer.map(Mutex::new),
        }
    }

    /// Takes a new snapshot, in place of the last one.
    pub(crate) fn look(&self, snapshot: Snapshot) {
        // Before the state is locked: the runtime may take its time, and others ask meanwhile.
        let names = self.namer.as_ref().map(|namer| {
            let mut namer = namer.lock().unwrap_or_else(PoisonError::into_inner);
            namer.names(&snapshot)
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (elapsed, flows) = (snapshot.window.duration, &snapshot.flows);
        state.looks.add(elapsed, flows);
        state.snapshot = Some(Arc::new(snapshot));
        state.names = names;
        state.made = None;
    }

    /// Whether there is anything to tell.
    pub(crate) fn has_counted(&self) -> bool {
        self.newest().is_some()
    }

    /// The last snapshot, as it was taken; `None` before the first one.
    pub(crate) fn newest(&self) -> Option<Arc<Snapshot>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.snapshot.clone()
    }

    /// How often what is pushed was pushed.
    pub(super) fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// What is known now; `None` before the first snapshot.
    pub(crate) fn made(&self) -> Option<Arc<Made>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &state.made {
            return Some(Arc::clone(made));
        }
        let mut snapshot = Snapshot::clone(state.snapshot.as_deref()?);
        analysis::calibrate(&mut snapshot);
        let profile = std::mem::take(&mut snapshot.profile);
        let mut audit = analysis::audit(snapshot);
        (self.diagnose)(&mut audit, &profile);
        let grouped = state.groups.add_up(&audit);
        let pushes = self.tallies.so_far();
        let made = Arc::new(Made {
            numbers: Arc::new(Numbers::new(
                &audit,
                grouped,
                state.names.clone(),
                own::cost(),
                pushes,
            )),
            audit,
            profile,
            moments: state.looks.moments(),
        });
        state.made = Some(Arc::clone(&made));
        Some(made)
    }
}
