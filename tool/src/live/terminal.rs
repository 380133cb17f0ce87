//! The terminal's state: taken over, and given back whatever happens.

use std::io::{self, Write as _};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, raise};
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Whether the terminal is not as it was found.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the terminal over, or over again; from then on a panic gives it back before it says why.
///
/// # Errors
///
/// Where it is none.
pub(super) fn enter() -> io::Result<()> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            usual(info);
        }));
    });
    if TAKEN.swap(true, Ordering::SeqCst) {
        // Whoever had it meanwhile may have left it otherwise than it is thought to be.
        disable_raw_mode()?;
    }
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, Hide)
}

/// Gives the terminal back as it was found, if it was taken.
pub fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Where this fails there is no terminal any more.
        let _ = execute!(
            io::stdout(),
            Show,
            DisableMouseCapture,
            LeaveAlternateScreen
        );
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// Stops this process, as a shell expects it; returns when it goes on.
///
/// # Errors
///
/// Where the terminal is gone by then.
pub(super) fn suspend() -> io::Result<()> {
    leave();
    // To this thread, so that it does not run on before the process has stopped.
    raise(Signal::SIGSTOP)?;
    enter()
}
