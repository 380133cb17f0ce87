//! What is told to servers that do not ask: metrics to an OTLP receiver, call sites to a profile server.

mod client;
mod endpoint;
mod otlp;
mod pprof;
mod pusher;

use std::io;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use endpoint::{Endpoint, EndpointError};

use super::Latest;
use crate::model::Pushes;
use otlp::Otlp;
use pprof::Pprof;
use pusher::{Pusher, Tally};

/// Who is told, and how often.
#[derive(Debug, Clone)]
pub(crate) struct PushSettings {
    pub(crate) every: Duration,
    /// Gets metrics.
    pub(crate) otlp: Option<Endpoint>,
    /// Gets profiles.
    pub(crate) pprof: Option<Endpoint>,
    /// Groups of processes that metrics tell apart at most.
    pub(crate) groups: usize,
}

/// How often each thing was pushed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tallies {
    metrics: Option<Arc<Tally>>,
    profiles: Option<Arc<Tally>>,
}

impl Tallies {
    /// Of what `settings` ask for.
    pub(crate) fn new(settings: &PushSettings) -> Self {
        let of = |endpoint: &Option<Endpoint>, what| {
            endpoint.as_ref().map(|_| Arc::new(Tally::new(what)))
        };
        Self {
            metrics: of(&settings.otlp, "metrics"),
            profiles: of(&settings.pprof, "profiles"),
        }
    }

    /// How often it was until now.
    pub(super) fn so_far(&self) -> Vec<Pushes> {
        let tallies = self.metrics.iter().chain(&self.profiles);
        tallies.map(|tally| tally.so_far()).collect()
    }
}

/// Threads that push, one for each server: one that does not answer holds up nobody else.
pub(crate) struct Pushing(Vec<Pusher>);

impl Pushing {
    /// Pushes from now on. What is counted begins after this: receivers are told when it began.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn start(settings: &PushSettings, latest: &Arc<Latest>) -> io::Result<Self> {
        let Tallies { metrics, profiles } = latest.tallies();
        let mut pushers = Vec::new();
        if let (Some(endpoint), Some(tally)) = (&settings.otlp, metrics) {
            let mut otlp = Otlp::new(endpoint, settings.groups, Arc::clone(latest))?;
            let push = move || otlp.push();
            pushers.push(Pusher::start(settings.every, Arc::clone(tally), push)?);
        }
        if let (Some(endpoint), Some(tally)) = (&settings.pprof, profiles) {
            let mut pprof = Pprof::new(endpoint, Arc::clone(latest));
            let push = move || pprof.push();
            pushers.push(Pusher::start(settings.every, Arc::clone(tally), push)?);
        }
        Ok(Self(pushers))
    }

    /// Pushes what has come since the last time, and ends.
    pub(crate) fn stop(self) {
        self.0.into_iter().for_each(Pusher::stop);
    }
}
