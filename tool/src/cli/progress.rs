//! One line on stderr that says how far the window is.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::terminal;

/// How often the line changes.
const TICK: Duration = Duration::from_secs(1);

/// Whether the cursor stands behind a progress line.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// What the line says.
pub(crate) struct Progress(Box<dyn Fn(Duration) -> String>);

impl Progress {
    /// What `line` makes of the time that has gone by.
    pub(crate) fn new(line: impl Fn(Duration) -> String + 'static) -> Self {
        Self(Box::new(line))
    }

    /// That of a count that lasts so long, if that is known.
    pub(crate) fn of_count(duration: Option<Duration>) -> Self {
        Self::new(move |elapsed| line(elapsed, duration))
    }

    /// Shows progress until it is dropped, if stderr is a terminal.
    pub(crate) async fn show(self) -> Infallible {
        if !is_wanted() {
            return std::future::pending().await;
        }
        let start = Instant::now();
        loop {
            show(&(self.0)(start.elapsed()));
            tokio::time::sleep(TICK).await;
        }
    }
}

/// Whether there is somebody to show progress to.
pub(crate) fn is_wanted() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !dumb && io::stderr().is_terminal()
}

/// Shows `line` in place of the one before.
pub(crate) fn show(line: &str) {
    let columns = terminal::columns(io::stderr()).unwrap_or(terminal::DEFAULT_WIDTH);
    let visible: String = line.chars().take(columns.saturating_sub(1)).collect();
    SHOWN.store(true, Ordering::Relaxed);
    // Nothing depends on whether it can be written.
    let _ = write!(io::stderr(), "\r\x1b[K{visible}");
}

/// Takes the progress line away, if there is one.
pub(crate) fn clear() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        // Nothing depends on whether it can be written.
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
}

fn line(elapsed: Duration, duration: Option<Duration>) -> String {
    format!("counting: {}; Ctrl-C reports", so_far(elapsed, duration))
}

/// How far a window is.
pub(crate) fn so_far(elapsed: Duration, duration: Option<Duration>) -> String {
    // Attaching takes a moment more.
    let elapsed = duration.map_or(elapsed, |duration| elapsed.min(duration));
    let elapsed = humantime::format_duration(Duration::from_secs(elapsed.as_secs()));
    match duration {
        Some(duration) => format!("{elapsed} of {}", humantime::format_duration(duration)),
        None => elapsed.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let seconds = Duration::from_secs;
        assert_eq!(
            line(Duration::from_millis(3700), Some(seconds(10))),
            "counting: 3s of 10s; Ctrl-C reports"
        );
        assert_eq!(
            line(seconds(3), Some(Duration::from_millis(1200))),
            "counting: 1s of 1s 200ms; Ctrl-C reports"
        );
        assert_eq!(line(seconds(63), None), "counting: 1m 3s; Ctrl-C reports");
    }
}
