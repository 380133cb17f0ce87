//! Signals that end the tool: the first one only ends the window.

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// SIGINT and SIGTERM of this process. From its creation on they no longer end it by themselves.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    last: Option<EndedBy>,
}

/// The tool was ended by this signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndedBy(SignalKind);

impl From<EndedBy> for ExitCode {
    fn from(EndedBy(kind): EndedBy) -> Self {
        Self::from(status_of_signal(kind.as_raw_value()))
    }
}

/// Exit status that says "ended by this signal".
pub(crate) fn status_of_signal(number: i32) -> u8 {
    u8::try_from(number).map_or(u8::MAX, |number| number.saturating_add(128))
}

impl Signals {
    /// Takes the signals over.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            last: None,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> EndedBy {
        let signal = tokio::select! {
            Some(()) = self.interrupt.recv() => EndedBy(SignalKind::interrupt()),
            Some(()) = self.terminate.recv() => EndedBy(SignalKind::terminate()),
            else => std::future::pending().await,
        };
        self.last = Some(signal);
        signal
    }

    /// The last one that came.
    pub(crate) fn last(&self) -> Option<EndedBy> {
        self.last
    }

    /// Runs `window` to its end. The first signal completes the future that it is given, which
    /// asks it to come to an end early; a second one does not wait for that.
    pub(crate) async fn window<T, W: Future<Output = T>>(
        &mut self,
        window: impl FnOnce(Stop) -> W,
    ) -> Result<T, EndedBy> {
        let (stop, stopped) = oneshot::channel();
        let mut window = std::pin::pin!(window(Stop(stopped)));
        tokio::select! {
            biased;
            output = &mut window => return Ok(output),
            _ = self.next() => {}
        }
        // Where the window no longer listens it is ending anyway.
        let _ = stop.send(());
        tokio::select! {
            biased;
            output = &mut window => Ok(output),
            signal = self.next() => Err(signal),
        }
    }
}

/// Asks a window to end.
pub(crate) struct Stop(oneshot::Receiver<()>);

impl Stop {
    /// Completes when the window is to end.
    pub(crate) async fn requested(self) {
        // The sender lives as long as the window is waited for.
        let _ = self.0.await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal as Number, getpid, kill_process};

    use super::*;

    fn send(number: Number) {
        kill_process(getpid(), number).expect("a signal to this process");
    }

    /// One test: signals go to all of the process.
    #[tokio::test(flavor = "current_thread")]
    async fn first_signal_asks_second_ends() {
        let mut signals = Signals::new().expect("signals");
        assert_eq!(signals.window(async |_| 1).await, Ok(1), "no signal");
        assert_eq!(signals.last(), None);

        let reported = signals
            .window(async |stop| {
                send(Number::INT);
                stop.requested().await;
                2
            })
            .await;
        assert_eq!(reported, Ok(2));
        assert_eq!(signals.last(), Some(EndedBy(SignalKind::interrupt())));

        let never = signals
            .window(async |stop| {
                send(Number::INT);
                stop.requested().await;
                send(Number::TERM);
                std::future::pending::<()>().await;
            })
            .await;
        assert_eq!(never, Err(EndedBy(SignalKind::terminate())));

        send(Number::TERM);
        let outside = tokio::time::timeout(Duration::from_secs(10), signals.next()).await;
        assert_eq!(outside, Ok(EndedBy(SignalKind::terminate())));
    }

    #[test]
    fn statuses() {
        assert_eq!(status_of_signal(2), 130);
        assert_eq!(status_of_signal(15), 143);
    }
}
