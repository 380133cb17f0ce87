//! `copytax record`

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::diagnosis::DiagnosisArgs;
use super::engine::EngineArgs;
use super::failure::Failure;
use super::progress::{self, Progress};
use super::samples::StacksArgs;
use super::target::{TargetArgs, refuse_empty_command};
use super::{duration, live, stdout};
use crate::analysis;
use crate::analysis::policy::parse_bytes;
use crate::capture::{Observation, Settings};
use crate::model::{Audit, Snapshot};
use crate::recording::{RecordingError, RecordingOptions, Redactor, Summary, Writer};
use crate::report::{bytes, counted, json};

/// Less than this would be full with its first steps.
const SMALLEST: u64 = 1 << 20;

/// Keep everything that an audit counts and samples, step by step, in one file
///
/// The file is an SQLite database (docs/recording.md), for report, flamegraph, diff and check, on this
/// machine or another. Each step is safe on the disk when the next one begins: a recording that is
/// killed holds everything up to its last step. Ctrl-C ends it as it should be ended.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// How long to record, such as 10s, 2m or 1h; a command that still runs then gets SIGTERM
    /// [default: until Ctrl-C; with a command, until it has ended]
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true, help_heading = "Count")]
    duration: Option<Duration>,
    /// The length of a step
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration::parse_step)]
    #[arg(help_heading = "Count")]
    interval: Duration,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    stacks: StacksArgs,
    /// Keep what the kernel did in each call, too
    #[arg(long, conflicts_with = "no_stacks", help_heading = "Count")]
    kernel: bool,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// The file to write, for its owner only
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: PathBuf,
    /// Overwrite it if it exists
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Keep the last so much only, such as 1GB: at half of it the file becomes FILE.1, in place of an
    /// older one, and a new one begins
    #[arg(long, value_name = "SIZE", value_parser = parse_max_size, help_heading = "Output")]
    max_size: Option<u64>,
    /// Keep paths, addresses, arguments and the name of the host out of it
    #[arg(long, help_heading = "Output")]
    redact: bool,
    /// Print the audit at the end, as JSON (schema copytax.report/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
}

fn parse_max_size(text: &str) -> Result<u64, String> {
    let size = parse_bytes(text)?;
    if size < SMALLEST {
        return Err(format!("it must be at least {}", bytes(SMALLEST)));
    }
    Ok(size)
}

impl Args {
    fn settings(&self) -> Settings {
        Settings {
            target: self.target.target(),
            duration: self.duration,
            engine: self.engine.choice(),
            profiling: self.stacks.profiling(self.kernel),
        }
    }
}

/// A recording that two threads write: the looks, and at the end the report.
#[derive(Clone)]
struct Recorder(Arc<Mutex<State>>);

struct State {
    /// `None` once it has ended or failed.
    writer: Option<Writer>,
    failed: Option<RecordingError>,
    summary: Summary,
    /// `None` where nothing is to be left out.
    redactor: Option<Redactor>,
    /// `None` where the file may become as large as it wants to.
    rotation: Option<Rotation>,
}

/// When the file gives way to a new one, and its name from then on.
struct Rotation {
    at: u64,
    old: PathBuf,
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Records.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let settings = args.settings();
    refuse_empty_command(&settings.target)?;
    let diagnosis = args.diagnosis.load()?;
    let options = RecordingOptions {
        interval: args.interval,
        overwrite: args.force,
        redacted: args.redact,
    };
    let redactor = args.redact.then(Redactor::default);
    let rotation = args.max_size.map(|size| Rotation {
        at: size / 2,
        old: suffixed(&args.output, ".1"),
    });
    let writer = Writer::create(&args.output, options)?;
    let recorder = Recorder::new(writer, redactor, rotation);
    let observer = recorder.clone();
    let observation = Observation {
        every: args.interval,
        observer: Box::new(move |snapshot| observer.look(&observer.redacted(snapshot), false)),
    };
    let shown = recorder.clone();
    let duration = settings.duration;
    let progress = Progress::new(move |elapsed| line(elapsed, duration, shown.summary()));
    let last = recorder.clone();
    let (as_json, path) = (args.json, args.output.clone());
    let status = live::run_with(&settings, Some(observation), progress, move |snapshot| {
        if let Some(reason) = &snapshot.without_profile {
            tracing::warn!("call sites are not sampled: {reason}");
        }
        let mut snapshot = last.redacted(snapshot);
        last.look_last(&snapshot)?;
        analysis::calibrate(&mut snapshot);
        // An audit takes no profile, and a copy of one is large.
        let profile = std::mem::take(&mut snapshot.profile);
        let mut audit = analysis::audit(snapshot.clone());
        snapshot.profile = profile;
        let fails = diagnosis.add_findings(&mut audit, &snapshot.profile);
        let summary = last.finish(&snapshot, &audit)?;
        if as_json {
            let profile = snapshot.profile.is_sampled().then_some(&snapshot.profile);
            stdout::print(|out| json::write(out, &audit, profile))?;
        } else {
            let told = told(&summary);
            stdout::print(|out| writeln!(out, "{}: {told}", path.display()))?;
        }
        Ok(if fails {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    });
    recorder.discard_if_empty();
    status
}

impl Recorder {
    fn new(writer: Writer, redactor: Option<Redactor>, rotation: Option<Rotation>) -> Self {
        Self(Arc::new(Mutex::new(State {
            writer: Some(writer),
            failed: None,
            summary: Summary::default(),
            redactor,
            rotation,
        })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What of a snapshot may be kept.
    fn redacted(&self, snapshot: Snapshot) -> Snapshot {
        self.with(|state| match &mut state.redactor {
            Some(redactor) => redactor.redacted(snapshot),
            None => snapshot,
        })
    }

    fn summary(&self) -> Summary {
        self.with(|state| state.summary)
    }

    /// Adds a step; where it cannot be written there is no use in going on.
    fn look(&self, snapshot: &Snapshot, is_last: bool) -> ControlFlow<()> {
        self.with(|state| {
            let Some(writer) = state.writer.take() else {
                return ControlFlow::Break(());
            };
            // A new file would have nothing.
            let rotation = state.rotation.as_ref().filter(|_| !is_last);
            match step(writer, snapshot, rotation) {
                Ok((writer, summary)) => {
                    state.writer = Some(writer);
                    state.summary = summary;
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    state.failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })
    }

    /// Adds the last step, if none has failed.
    fn look_last(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        // Whether to go on is known.
        let _ = self.look(snapshot, true);
        self.with(|state| match state.failed.take() {
            None => Ok(()),
            Some(error) => Err(failed(&error, state.summary.duration)),
        })
    }

    fn finish(&self, snapshot: &Snapshot, audit: &Audit) -> Result<Summary, Failure> {
        self.with(|state| {
            if let Some(writer) = state.writer.take() {
                let ended = writer.finish(snapshot, &audit.findings);
                ended.map_err(|error| failed(&error, state.summary.duration))?;
            }
            Ok(state.summary)
        })
    }

    /// Takes the file away if nothing was recorded.
    fn discard_if_empty(&self) {
        self.with(|state| {
            if let Some(writer) = state.writer.take()
                && state.summary.steps == 0
            {
                writer.discard();
            }
        });
    }
}

/// Adds a step, and begins a new file where this one is large enough.
fn step(
    mut writer: Writer,
    snapshot: &Snapshot,
    rotation: Option<&Rotation>,
) -> Result<(Writer, Summary), RecordingError> {
    let summary = writer.step(snapshot)?;
    if let Some(rotation) = rotation.filter(|rotation| summary.size >= rotation.at) {
        writer = writer.rotate(snapshot, &rotation.old)?;
    }
    Ok((writer, summary))
}

fn failed(error: &RecordingError, recorded: Duration) -> Failure {
    let recorded = humantime::format_duration(Duration::from_secs(recorded.as_secs()));
    Failure::usage(format!(
        "{error}; it has the first {recorded} and is incomplete"
    ))
}

fn line(elapsed: Duration, duration: Option<Duration>, summary: Summary) -> String {
    format!(
        "recording: {}; {}; Ctrl-C ends",
        progress::so_far(elapsed, duration),
        told(&summary)
    )
}

fn told(summary: &Summary) -> String {
    let lost = match summary.lost {
        0 => "nothing lost".to_owned(),
        lost => format!("{lost} lost"),
    };
    format!(
        "{}, {}, {lost}, {}",
        counted(summary.processes as u64, "process", "processes"),
        counted(summary.samples, "sample", "samples"),
        bytes(summary.size)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let summary = Summary {
            steps: 3,
            duration: Duration::from_secs(3),
            processes: 34,
            samples: 1204,
            lost: 0,
            size: 1 << 20,
        };
        assert_eq!(
            line(
                Duration::from_millis(3700),
                Some(Duration::from_secs(60)),
                summary
            ),
            "recording: 3s of 1m; 34 processes, 1,204 samples, nothing lost, 1.0 MiB; Ctrl-C ends"
        );
        let summary = Summary { lost: 7, ..summary };
        assert!(line(Duration::ZERO, None, summary).contains("7 lost"));
    }
}
