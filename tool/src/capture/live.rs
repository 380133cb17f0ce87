//! Counting on this machine, now.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use copytax_common::{ProcessRecord, TARGET_FOLLOW, TARGET_PENDING};
use tokio::sync::oneshot;

use crate::capture::command::StoppedCommand;
use crate::capture::harvest::{Harvest, Harvesting};
use crate::capture::names::Names;
use crate::capture::observe::{Observation, Observing};
use crate::capture::profile::{self, Namer, Profiler};
use crate::capture::target::{self, Plan};
use crate::capture::{CaptureError, EngineChoice, Settings, Target};
use crate::host::{family, kernel};
use crate::model::{CommandOutcome, Engine, ProcessFacts, ProcessId, Profile, Snapshot, Window};
use crate::probe::{ProbeError, Sampling, Session};

/// Counts until the settings' duration is over, the command has ended or `stop` completes. What
/// completes before counting has begun is an error: there is nothing to report.
///
/// # Errors
///
/// Whatever keeps the kernel half from being loaded and attached, and targets that do not exist.
pub async fn live(
    settings: &Settings,
    stop: impl Future<Output = ()>,
) -> Result<Snapshot, CaptureError> {
    count(settings, Harvesting::default(), None, stop).await
}

/// [`live`], with looks at the sums while it counts. What the last look would show is what it gives.
///
/// # Errors
///
/// Those of [`live`].
pub async fn observed(
    settings: &Settings,
    observation: Observation,
    stop: impl Future<Output = ()>,
) -> Result<Snapshot, CaptureError> {
    count(settings, Harvesting::default(), Some(observation), stop).await
}

/// [`live`], with a say in when the kernel's maps are emptied.
///
/// # Errors
///
/// Those of [`live`].
#[doc(hidden)]
pub async fn live_harvesting(
    settings: &Settings,
    harvesting: Harvesting,
    stop: impl Future<Output = ()>,
) -> Result<Snapshot, CaptureError> {
    count(settings, harvesting, None, stop).await
}

async fn count(
    settings: &Settings,
    harvesting: Harvesting,
    observation: Option<Observation>,
    stop: impl Future<Output = ()>,
) -> Result<Snapshot, CaptureError> {
    let plan = target::plan(&settings.target)?;
    let mut command = match &settings.target {
        Target::Command(words) => Some(StoppedCommand::start(words)?),
        _ => None,
    };
    let mut stop = pin!(stop);
    let before = Instant::now();
    let attaching = attach(settings, plan, command.as_ref().map(StoppedCommand::pid));
    let (mut session, start) = tokio::select! {
        biased;
        () = &mut stop => return Err(CaptureError::Stopped),
        attached = attaching => attached?,
    };
    let names = Names::collect();
    tracing::info!(
        "attached with the {:?} engine in {:?}",
        session.engine(),
        before.elapsed()
    );
    let profiler = match (session.take_samples(), &settings.profiling) {
        (Some(reader), Some(profiling)) => Some(Profiler::start(reader, profiling)?),
        _ => None,
    };
    let (mut observing, refused) = match observation {
        Some(observation) => {
            let view = profiler.as_ref().map(Profiler::view);
            let (observing, refused) = Observing::start(observation, view)?;
            (Some(observing), Some(refused))
        }
        None => (None, None),
    };
    let stop = async {
        tokio::select! {
            () = &mut stop => {}
            () = refusal(refused) => {}
        }
    };
    let mut counted = Counted {
        harvest: Harvest::new(harvesting, &session)?,
        session,
        names,
        start,
    };
    let mut running = pin!(run(settings.duration, command.as_mut(), stop));
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut running => break outcome?,
            () = counted.harvest.due() => {
                counted.harvest.look(&mut counted.session, &counted.names)?;
            }
            () = due(observing.as_mut()) => {
                if let Some(observing) = observing.as_mut().filter(|observing| !observing.is_busy()) {
                    let so_far = counted.so_far(observing)?;
                    observing.look(so_far);
                }
            }
        }
    };
    let window = counted.start.window();
    counted.session.detach();
    let mut snapshot = counted.snapshot(window, outcome, Names::resolve)?;
    let dropped = snapshot.loss.samples_dropped;
    let view = profiler.map(Profiler::finish).transpose()?;
    snapshot.profile = match (observing, view) {
        (Some(observing), _) => observing.finish(dropped).await?,
        (None, Some(view)) => view.profile(&mut Namer::default(), dropped),
        (None, None) => Profile::default(),
    };
    Ok(snapshot)
}

/// Waits until an observer wants to look.
async fn due(observing: Option<&mut Observing>) {
    match observing {
        Some(observing) => observing.due().await,
        None => std::future::pending().await,
    }
}

/// Waits until an observer has seen enough. One that ends without that has nothing against going on.
async fn refusal(refused: Option<oneshot::Receiver<()>>) {
    if let Some(refused) = refused
        && refused.await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// When counting began, by each clock that is asked later.
struct Start {
    time: SystemTime,
    instant: Instant,
    since_boot_ns: u64,
}

impl Start {
    fn now() -> Self {
        Self {
            time: SystemTime::now(),
            instant: Instant::now(),
            since_boot_ns: kernel::since_boot_ns(),
        }
    }

    /// The window that ends now.
    fn window(&self) -> Window {
        Window {
            start: self.time,
            start_ns: self.since_boot_ns,
            duration: self.instant.elapsed(),
        }
    }
}

/// Waits for the end of the window.
async fn run(
    duration: Option<Duration>,
    command: Option<&mut StoppedCommand>,
    stop: impl Future<Output = ()>,
) -> Result<Option<CommandOutcome>, CaptureError> {
    let over = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let Some(command) = command else {
        tokio::select! {
            () = over => {}
            () = stop => {}
        }
        return Ok(None);
    };
    command.release()?;
    let outcome = tokio::select! {
        outcome = command.ended() => return outcome.map(Some),
        () = over => command.terminate().await,
        () = stop => command.terminate().await,
    };
    outcome.map(Some)
}

/// Attaches, and says when counting began. It blocks for a while, on a thread of its own.
async fn attach(
    settings: &Settings,
    plan: Plan,
    command: Option<u32>,
) -> Result<(Session, Start), CaptureError> {
    let choice = settings.engine;
    let sampling = profile::sampling(settings.profiling.as_ref());
    let attached = tokio::task::spawn_blocking(move || {
        let mut session = attach_choice(choice, &plan, &sampling, command)?;
        let start = Start::now();
        follow_children(&mut session, &plan)?;
        Ok((session, start))
    });
    attached
        .await
        .map_err(|error| CaptureError::Broken(error.to_string()))?
}

fn attach_choice(
    choice: EngineChoice,
    plan: &Plan,
    sampling: &Sampling,
    command: Option<u32>,
) -> Result<Session, CaptureError> {
    let engine = |engine| attach_engine(engine, plan, sampling, command);
    match choice {
        EngineChoice::Raw => engine(Engine::Raw),
        EngineChoice::Tracepoint => engine(Engine::Tracepoint),
        EngineChoice::Auto => engine(Engine::Raw).or_else(|raw| match raw {
            CaptureError::Probe(ProbeError::Program { .. } | ProbeError::Attach { .. }) => {
                // The first refusal says more than that of the fallback.
                let Ok(session) = engine(Engine::Tracepoint) else {
                    return Err(raw);
                };
                tracing::warn!("{raw}; going on with the tracepoint engine");
                Ok(session)
            }
            _ => Err(raw),
        }),
    }
}

fn attach_engine(
    engine: Engine,
    plan: &Plan,
    sampling: &Sampling,
    command: Option<u32>,
) -> Result<Session, CaptureError> {
    let mut session = Session::load(engine, &plan.filter, sampling)?;
    for pid in &plan.pids {
        session.set_target(*pid, plan.flags)?;
    }
    if let Some(command) = command {
        session.set_target(command, TARGET_PENDING | TARGET_FOLLOW)?;
    }
    session.attach()?;
    if let Some(first) = plan.pids.first()
        && !plan
            .pids
            .iter()
            .any(|pid| family::thread_group(*pid).is_some())
    {
        return Err(CaptureError::DiedWhileAttaching(*first));
    }
    Ok(session)
}

/// Adds the children that the targets already have; those forked from now on join by themselves.
fn follow_children(session: &mut Session, plan: &Plan) -> Result<(), CaptureError> {
    if plan.flags & TARGET_FOLLOW != 0 {
        let mut known = BTreeSet::new();
        // A child that was forked before its parent joined, and after its place in /proc was
        // looked at, is found by looking again.
        loop {
            let found = family::descendants(&plan.pids);
            let new: Vec<_> = found.into_iter().filter(|pid| known.insert(*pid)).collect();
            if new.is_empty() {
                break;
            }
            for pid in new {
                session.set_target(pid, plan.flags)?;
            }
        }
    }
    Ok(())
}

/// Where the sums are while counting goes on.
struct Counted {
    session: Session,
    harvest: Harvest,
    names: Names,
    start: Start,
}

impl Counted {
    /// What was counted so far.
    fn so_far(&self, observing: &mut Observing) -> Result<Snapshot, CaptureError> {
        let facts = |names: &Names, counted: &_, records: &_, ended: &_| {
            observing.facts(counted, records, ended, names)
        };
        self.snapshot(self.start.window(), None, facts)
    }

    /// What was counted; without a profile. `facts` looks up the processes: given those that were
    /// counted, what the kernel half remembers, and what is known of those that it no longer does.
    fn snapshot(
        &self,
        window: Window,
        command: Option<CommandOutcome>,
        facts: impl FnOnce(
            &Names,
            &BTreeSet<ProcessId>,
            &HashMap<ProcessId, ProcessRecord>,
            &BTreeMap<ProcessId, ProcessFacts>,
        ) -> BTreeMap<ProcessId, ProcessFacts>,
    ) -> Result<Snapshot, CaptureError> {
        let (session, names) = (&self.session, &self.names);
        let flows = session.flows()?;
        let errors = session.errors()?;
        let records: HashMap<_, _> = session.processes()?.into_iter().collect();
        let counted: BTreeSet<_> = flows
            .iter()
            .map(|flow| flow.process)
            .chain(errors.iter().map(|error| error.process))
            .collect();
        let mut snapshot = Snapshot {
            host: kernel::host(),
            window,
            engine: session.engine(),
            processes: facts(names, &counted, &records, self.harvest.facts()),
            flows,
            errors,
            transfers: session.transfers()?,
            loss: session.loss()?,
            command,
            profile: Profile::default(),
            without_profile: session.without_sampling().map(str::to_owned),
            is_incomplete: false,
        };
        let taken = self.harvest.taken();
        snapshot.flows.extend(taken.flows);
        snapshot.errors.extend(taken.errors);
        snapshot.transfers.extend(taken.transfers);
        let ended = self.harvest.facts().clone();
        snapshot.processes.extend(ended);
        let own: BTreeSet<_> = snapshot
            .processes
            .iter()
            .filter(|(id, facts)| names.is_self(**id, facts))
            .map(|(id, _)| *id)
            .collect();
        snapshot.flows.retain(|flow| !own.contains(&flow.process));
        snapshot
            .errors
            .retain(|error| !own.contains(&error.process));
        Ok(snapshot)
    }
}
