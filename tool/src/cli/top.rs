//! `copytax top`

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::diagnosis::DiagnosisArgs;
use super::engine::EngineArgs;
use super::failure::Failure;
use super::progress::Progress;
use super::samples::StacksArgs;
use super::signals::Signals;
use super::target::TargetArgs;
use super::terminal::{self, ColorChoice};
use super::{duration, live};
use crate::capture::{self, CaptureError, Observation, Settings, Target};
use crate::host::kernel;
use crate::live::{Colors, Message, Session, State, Step, leave_terminal, run as show, view};
use crate::model::Snapshot;

/// Who moves bytes right now, and who loses them
///
/// Processes by lost bytes per second, with their hit rates. Enter shows the flows, call sites and findings
/// of one; ? shows the keys. What is counted is what audit counts, step by step.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// The length of a step
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration::parse_step)]
    #[arg(help_heading = "Count")]
    interval: Duration,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    stacks: StacksArgs,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// Print each step as text instead of showing it on a screen
    #[arg(short, long, help_heading = "Output")]
    batch: bool,
    /// With --batch: end after so many steps
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        requires = "batch",
        help_heading = "Output"
    )]
    steps: Option<NonZeroU32>,
    /// Where w writes recordings
    #[arg(long, value_name = "DIR", default_value = ".", help_heading = "Output")]
    folder: PathBuf,
}

impl Args {
    fn settings(&self) -> Result<Settings, Failure> {
        let target = self.target.target();
        if matches!(target, Target::Command(_)) {
            return Err(Failure::usage(
                "top shows processes that run; audit and record start commands",
            ));
        }
        Ok(Settings {
            target,
            duration: None,
            engine: self.engine.choice(),
            profiling: self.stacks.profiling(false),
        })
    }
}

/// Shows.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let settings = args.settings()?;
    if args.batch {
        return batch(args, &settings);
    }
    if !io::stdout().is_terminal() {
        return Err(Failure::usage("stdout is no terminal; --batch prints text"));
    }
    let diagnosis = args.diagnosis.load()?;
    let (sender, messages) = channel();
    let session = Session {
        messages,
        interval: args.interval,
        colors: colors(color),
        folder: args.folder.clone(),
        diagnose: Box::new(move |audit, profile| {
            diagnosis.add_findings(audit, profile);
        }),
    };
    kernel::lift_memlock();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start", &error))?;
    let status = runtime.block_on(watch(&settings, args.interval, session, sender));
    leave_terminal();
    runtime.shutdown_background();
    status
}

/// The colours of the terminal, none where none are wanted.
fn colors(color: ColorChoice) -> Colors {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    match (color.applies_to_stdout(), color) {
        (false, _) => Colors::None,
        (true, ColorChoice::Always) => {
            match Colors::of(&variable("TERM"), &variable("COLORTERM")) {
                Colors::None => Colors::Sixteen,
                colors => colors,
            }
        }
        (true, _) => Colors::of(&variable("TERM"), &variable("COLORTERM")),
    }
}

/// Counts, and shows what is counted on a thread of its own, until one of them or a signal ends it.
async fn watch(
    settings: &Settings,
    every: Duration,
    session: Session,
    messages: Sender<Message>,
) -> Result<ExitCode, Failure> {
    let listening = |error: io::Error| Failure::io("cannot listen for signals", &error);
    let mut signals = Signals::new().map_err(listening)?;
    let stops = stops(messages.clone()).map_err(listening)?;
    let (quit, quitted) = oneshot::channel::<()>();
    let screen = thread::Builder::new()
        .name("screen".to_owned())
        .spawn(move || {
            let shown = show(&session);
            // It ends the count, also if this panics.
            drop(quit);
            shown
        })
        .map_err(|error| Failure::io("cannot start", &error))?;
    let looks = messages.clone();
    let observation = Observation {
        every,
        observer: Box::new(
            move |snapshot| match looks.send(Message::Look(Arc::new(snapshot))) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            },
        ),
    };
    let window = signals.window(async |stop| {
        let ended = async {
            tokio::select! {
                () = stop.requested() => {}
                _ = quitted => {}
            }
        };
        tokio::select! {
            biased;
            counted = capture::observed(settings, observation, ended) => counted,
            never = stops => match never {},
        }
    });
    let window = window.await;
    // It may have ended before.
    let _ = messages.send(Message::End);
    let shown = screen.join();
    leave_terminal();
    match (window, signals.last()) {
        (Err(signal), _) => Ok(signal.into()),
        (Ok(Ok(_)), None) => match shown {
            Ok(shown) => shown
                .map(|()| ExitCode::SUCCESS)
                .map_err(|error| Failure::io("the terminal", &error)),
            // It panicked, and has said so.
            Err(_) => Err(Failure::usage("the view could not be shown")),
        },
        (Ok(Err(error)), None) if !matches!(error, CaptureError::Stopped) => Err(error.into()),
        (Ok(_), Some(signal)) => Ok(signal.into()),
        (Ok(Err(_)), None) => Ok(ExitCode::SUCCESS),
    }
}

/// Passes on that the process is to stop, or goes on.
fn stops(messages: Sender<Message>) -> io::Result<impl Future<Output = std::convert::Infallible>> {
    let mut stop = signal(SignalKind::from_raw(libc::SIGTSTP))?;
    let mut resume = signal(SignalKind::from_raw(libc::SIGCONT))?;
    Ok(async move {
        loop {
            let message = tokio::select! {
                Some(()) = stop.recv() => Message::Suspend,
                Some(()) = resume.recv() => Message::Resume,
                else => return std::future::pending().await,
            };
            // The screen may have ended before.
            let _ = messages.send(message);
        }
    })
}

/// Prints each step.
fn batch(args: &Args, settings: &Settings) -> Result<ExitCode, Failure> {
    let width = u16::try_from(terminal::width())
        .unwrap_or(u16::MAX)
        .min(300);
    let mut left = args.steps.map(NonZeroU32::get);
    let mut state = State::default();
    let mut before: Option<Snapshot> = None;
    let observation = Observation {
        every: args.interval,
        observer: Box::new(move |snapshot| {
            if left == Some(0) {
                return ControlFlow::Break(());
            }
            state.step(Step::between(&snapshot, before.as_ref()));
            before = Some(snapshot);
            let text = view::text(&mut state, width);
            left = left.map(|left| left - 1);
            let mut out = io::stdout().lock();
            // A reader that has gone away has read enough.
            match writeln!(out, "{text}").and_then(|()| out.flush()) {
                Ok(()) if left != Some(0) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        }),
    };
    let progress = Progress::of_count(None);
    live::run_with(settings, Some(observation), progress, |_| {
        Ok(ExitCode::SUCCESS)
    })
}
