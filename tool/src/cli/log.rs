//! The log, on stderr.

use std::io::{self, IsTerminal as _, Write};

use tracing::level_filters::LevelFilter;

use super::progress;
use super::terminal::ColorChoice;

/// Starts the log: warnings, and more the more often `-v` was given.
pub(crate) fn init(verbose: u8, color: ColorChoice) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(color.applies(io::stderr().is_terminal()))
        .with_target(verbose > 1)
        .without_time()
        .with_writer(|| Stderr)
        .init();
}

/// Stderr, where a log line takes the place of the progress line.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        progress::clear();
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
