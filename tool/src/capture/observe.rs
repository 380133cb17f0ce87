//! Looks at the sums while counting goes on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use copytax_common::{PROCESS_EXITED, ProcessRecord};
use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::capture::CaptureError;
use crate::capture::names::Names;
use crate::capture::profile::{Namer, ProfileView};
use crate::model::{ProcessFacts, ProcessId, Profile, Snapshot};

/// What an observer does with what was counted so far.
pub type Observer = dyn FnMut(Snapshot) -> ControlFlow<()> + Send;

/// Who wants to see the sums while counting goes on.
pub struct Observation {
    /// How often.
    pub every: Duration,
    /// Gets all that was counted and sampled since counting began, and says whether to go on. It runs
    /// on a thread of its own; a look that comes while it still works is left out, and what it would
    /// have shown is part of the next one. Facts of processes are those of when they were first seen,
    /// besides that they have ended.
    pub observer: Box<Observer>,
}

/// What the thread is told.
enum Look {
    /// What was counted so far, without a profile.
    SoFar(Box<Snapshot>),
    /// No more samples come; so many were lost.
    Last(u64),
}

/// An observer at work.
pub(super) struct Observing {
    ticks: Interval,
    looks: Sender<Look>,
    is_busy: Arc<AtomicBool>,
    /// The profile of the whole window, when its last snapshot has come.
    finished: oneshot::Receiver<Profile>,
    facts: BTreeMap<ProcessId, ProcessFacts>,
}

impl Observing {
    /// Starts the thread; the first look is one interval from now.
    pub(super) fn start(
        observation: Observation,
        profile: Option<ProfileView>,
    ) -> Result<(Self, oneshot::Receiver<()>), CaptureError> {
        let mut ticks =
            tokio::time::interval_at(Instant::now() + observation.every, observation.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (looks, received) = channel();
        let is_busy = Arc::new(AtomicBool::new(false));
        let (finish, finished) = oneshot::channel();
        let (refuse, refused) = oneshot::channel();
        let busy = Arc::clone(&is_busy);
        thread::Builder::new()
            .name("looks".to_owned())
            .spawn(move || {
                let mut refuse = Some(refuse);
                let mut observer = observation.observer;
                let observer = |snapshot: Snapshot| {
                    if observer(snapshot).is_break()
                        && let Some(refuse) = refuse.take()
                    {
                        // Nobody listens where counting has ended anyway.
                        let _ = refuse.send(());
                    }
                };
                let profile = observe(observer, profile.as_ref(), &received, &busy);
                // Nobody listens where the capture has failed.
                let _ = finish.send(profile);
            })?;
        let observing = Self {
            ticks,
            looks,
            is_busy,
            finished,
            facts: BTreeMap::new(),
        };
        Ok((observing, refused))
    }

    /// Waits until it is time to look.
    pub(super) async fn due(&mut self) {
        self.ticks.tick().await;
    }

    /// Whether the last look is still being worked on.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Acquire)
    }

    /// Facts of the processes `counted`: those of the ones that are new are looked up.
    pub(super) fn facts(
        &mut self,
        counted: &BTreeSet<ProcessId>,
        records: &HashMap<ProcessId, ProcessRecord>,
        ended: &BTreeMap<ProcessId, ProcessFacts>,
        names: &Names,
    ) -> BTreeMap<ProcessId, ProcessFacts> {
        let is_new = |id: &&ProcessId| !self.facts.contains_key(id);
        let new: BTreeSet<_> = counted.iter().filter(is_new).copied().collect();
        self.facts.extend(names.resolve(&new, records, ended));
        // Harvested ones are kept by whom they are counted with.
        self.facts.retain(|id, _| counted.contains(id));
        for (id, facts) in &mut self.facts {
            let record = records.get(id);
            facts.exited |= record.is_some_and(|record| record.flags & PROCESS_EXITED != 0);
        }
        self.facts.clone()
    }

    /// Hands over what was counted. The profile is added on the other side.
    pub(super) fn look(&self, snapshot: Snapshot) {
        self.is_busy.store(true, Ordering::Release);
        // A thread that has ended has panicked, which the last look tells.
        let _ = self.looks.send(Look::SoFar(Box::new(snapshot)));
    }

    /// Waits for the end of the last look, and gives the profile of the window. `dropped` samples were
    /// lost in the kernel.
    pub(super) async fn finish(self, dropped: u64) -> Result<Profile, CaptureError> {
        // As above.
        let _ = self.looks.send(Look::Last(dropped));
        let profile = self.finished.await;
        profile.map_err(|_| CaptureError::Broken("the observer panicked".to_owned()))
    }
}

/// Shows what is received until the last of it; then gives the profile.
fn observe(
    mut observer: impl FnMut(Snapshot),
    view: Option<&ProfileView>,
    looks: &Receiver<Look>,
    is_busy: &AtomicBool,
) -> Profile {
    // It cannot go from thread to thread.
    let mut namer = Namer::default();
    let mut profile = |dropped| {
        let view = view.map(|view| view.profile(&mut namer, dropped));
        view.unwrap_or_default()
    };
    for look in looks {
        match look {
            Look::SoFar(mut snapshot) => {
                snapshot.profile = profile(snapshot.loss.samples_dropped);
                observer(*snapshot);
                is_busy.store(false, Ordering::Release);
            }
            Look::Last(dropped) => return profile(dropped),
        }
    }
    Profile::default()
}
