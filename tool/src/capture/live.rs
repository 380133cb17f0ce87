//! Counting on this machine, now.

use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use copytax_common::{TARGET_FOLLOW, TARGET_PENDING};

use crate::capture::command::StoppedCommand;
use crate::capture::harvest::{Harvest, Harvesting};
use crate::capture::names::Names;
use crate::capture::profile::{self, Profiler};
use crate::capture::target::{self, Plan};
use crate::capture::{CaptureError, EngineChoice, Settings, Target};
use crate::host::{family, kernel};
use crate::model::{CommandOutcome, Engine, Profile, Snapshot, Window};
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
    live_harvesting(settings, Harvesting::default(), stop).await
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
    let mut harvest = Harvest::new(harvesting, &session)?;
    let mut running = pin!(run(settings.duration, command.as_mut(), stop));
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut running => break outcome?,
            () = harvest.due() => harvest.look(&mut session, &names)?,
        }
    };
    let window = Window {
        start: start.time,
        start_ns: start.since_boot_ns,
        duration: start.instant.elapsed(),
    };
    session.detach();
    let mut snapshot = snapshot(&session, harvest, &names, window, outcome)?;
    snapshot.without_profile = session.without_sampling().map(str::to_owned);
    if let Some(profiler) = profiler {
        snapshot.profile = profiler.finish(snapshot.loss.samples_dropped)?;
    }
    Ok(snapshot)
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

fn snapshot(
    session: &Session,
    harvest: Harvest,
    names: &Names,
    window: Window,
    command: Option<CommandOutcome>,
) -> Result<Snapshot, CaptureError> {
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
        processes: names.resolve(&counted, &records, harvest.facts()),
        flows,
        errors,
        transfers: session.transfers()?,
        loss: session.loss()?,
        command,
        profile: Profile::default(),
        without_profile: None,
    };
    let (taken, facts) = harvest.finish();
    snapshot.flows.extend(taken.flows);
    snapshot.errors.extend(taken.errors);
    snapshot.transfers.extend(taken.transfers);
    snapshot.processes.extend(facts);
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
