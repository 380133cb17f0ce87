//! A live capture as the command line runs it: with signals, progress, and a report at its end.

use std::process::ExitCode;

use super::failure::Failure;
use super::progress::{self, Progress};
use super::signals::{Signals, Stop};
use crate::analysis;
use crate::capture::{self, CaptureError, Observation, Settings, Target};
use crate::host::kernel;
use crate::model::Snapshot;

/// Captures, and hands what was counted to `report`, which says how to exit.
pub(crate) fn run(
    settings: &Settings,
    report: impl FnOnce(Snapshot) -> Result<ExitCode, Failure> + Send + 'static,
) -> Result<ExitCode, Failure> {
    let progress = Progress::of_count(settings.duration);
    run_with(settings, None, progress, |mut snapshot| {
        analysis::calibrate(&mut snapshot);
        report(snapshot)
    })
}

/// [`run`], with an observer if there is one, and progress of one's own; `report` gets what was sampled
/// as it was sampled.
pub(crate) fn run_with(
    settings: &Settings,
    observation: Option<Observation>,
    progress: Progress,
    report: impl FnOnce(Snapshot) -> Result<ExitCode, Failure> + Send + 'static,
) -> Result<ExitCode, Failure> {
    kernel::lift_memlock();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start", &error))?;
    let status = runtime.block_on(capture_and_report(settings, observation, progress, report));
    // A report that is stuck in a full pipe must not hold up the end.
    runtime.shutdown_background();
    status
}

async fn capture_and_report(
    settings: &Settings,
    observation: Option<Observation>,
    progress: Progress,
    report: impl FnOnce(Snapshot) -> Result<ExitCode, Failure> + Send + 'static,
) -> Result<ExitCode, Failure> {
    let mut signals =
        Signals::new().map_err(|error| Failure::io("cannot listen for signals", &error))?;
    let window = signals.window(async |stop| {
        tokio::select! {
            biased;
            snapshot = count(settings, observation, stop) => snapshot,
            never = show_progress(settings, progress) => match never {},
        }
    });
    let window = window.await;
    progress::clear();
    let snapshot = match (window, signals.last()) {
        (Ok(Ok(snapshot)), _) => snapshot,
        (Ok(Err(stopped @ CaptureError::Stopped)), Some(signal)) => {
            return Ok(Failure::from(stopped).report_with(signal.into()));
        }
        (Ok(Err(error)), _) => return Err(error.into()),
        (Err(signal), _) => return Ok(signal.into()),
    };
    // On another thread, so that a signal ends even a report that nobody reads.
    let reported = tokio::task::spawn_blocking(move || report(snapshot));
    tokio::select! {
        reported = reported => match reported {
            Ok(status) => status,
            // It panicked, and has said so.
            Err(_) => Err(Failure::usage("the report could not be made")),
        },
        signal = signals.next() => Ok(signal.into()),
    }
}

async fn count(
    settings: &Settings,
    observation: Option<Observation>,
    stop: Stop,
) -> Result<Snapshot, CaptureError> {
    match observation {
        Some(observation) => capture::observed(settings, observation, stop.requested()).await,
        None => capture::live(settings, stop.requested()).await,
    }
}

/// A command has the terminal for itself.
async fn show_progress(settings: &Settings, progress: Progress) -> std::convert::Infallible {
    match settings.target {
        Target::Command(_) => std::future::pending().await,
        _ => progress.show().await,
    }
}
