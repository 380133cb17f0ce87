//! Pushes at intervals, whatever comes of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::model::Pushes;

/// How often something was pushed, counted while it is.
#[derive(Debug)]
pub(super) struct Tally {
    what: &'static str,
    sent: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    pub(super) const fn new(what: &'static str) -> Self {
        Self {
            what,
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// How often it was until now.
    pub(super) fn so_far(&self) -> Pushes {
        Pushes {
            what: self.what,
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// What came of a push that has not failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It was taken.
    Sent,
    /// There was nothing to push.
    Nothing,
}

/// A thread that pushes.
pub(super) struct Pusher {
    stop: Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Pusher {
    /// Calls `push` at intervals; a failure is counted and logged, and the next interval is the next try.
    pub(super) fn start(
        every: Duration,
        tally: Arc<Tally>,
        push: impl FnMut() -> Result<Pushed, String> + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let mut tries = Tries {
            tally,
            push,
            failure: None,
        };
        let thread = thread::Builder::new()
            .name("push".to_owned())
            .spawn(move || tries.until(&stopped, every))?;
        Ok(Self { stop, thread })
    }

    /// Pushes for the last time, if it has not failed the time before, and ends.
    pub(super) fn stop(self) {
        // A thread that has ended has panicked, and has said so.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}

struct Tries<P> {
    tally: Arc<Tally>,
    push: P,
    /// What the last one has failed with.
    failure: Option<String>,
}

impl<P: FnMut() -> Result<Pushed, String>> Tries<P> {
    fn until(&mut self, stopped: &Receiver<()>, every: Duration) {
        while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            self.one();
        }
        if self.failure.is_none() {
            self.one();
        }
    }

    /// One push. The log has what changes: a server that is away is one line, not one each time.
    fn one(&mut self) {
        let what = self.tally.what;
        match (self.push)() {
            Ok(Pushed::Nothing) => {}
            Ok(Pushed::Sent) => {
                self.tally.sent.fetch_add(1, Ordering::Relaxed);
                if self.failure.take().is_some() {
                    tracing::warn!("{what} can be pushed again");
                }
            }
            Err(failure) => {
                self.tally.failed.fetch_add(1, Ordering::Relaxed);
                if self.failure.as_ref() != Some(&failure) {
                    tracing::warn!(
                        "{what} could not be pushed: {failure}; the next try is at the next interval"
                    );
                }
                self.failure = Some(failure);
            }
        }
    }
}
