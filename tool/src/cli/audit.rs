//! `copytax audit`

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::failure::Failure;
use super::signals::{Signals, status_of_signal};
use super::target::TargetArgs;
use super::terminal::ColorChoice;
use super::{duration, progress, stdout, terminal};
use crate::analysis;
use crate::capture::{self, CaptureError, EngineChoice, Settings, Target};
use crate::host::kernel;
use crate::model::{Audit, CommandOutcome};
use crate::report::text::TextOptions;
use crate::report::{SortKey, json, text};

/// How long an audit lasts where nothing says otherwise.
const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// What moves bytes here, who pays for copies, and how much
///
/// Counts for a while, then prints which bytes of each process went by zero-copy paths and which
/// were lost to read and write. Ctrl-C ends the count early and still prints the report; a second
/// one ends without.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// How long to count, such as 500ms, 10s, 2m or 1h; a command that still runs then gets SIGTERM
    /// [default: 10s; with a command, until it has ended]
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true, help_heading = "Count")]
    duration: Option<Duration>,
    /// How to attach to the kernel
    #[arg(
        long,
        value_name = "ENGINE",
        default_value = "auto",
        help_heading = "Count"
    )]
    engine: EngineArg,
    /// Print JSON (schema copytax.report/1) with every process
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Print the first N processes; the sums are always of all
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Output")]
    top: NonZeroUsize,
    /// What to order processes by
    #[arg(
        long,
        value_name = "KEY",
        default_value = "lost",
        help_heading = "Output"
    )]
    #[arg(value_parser = PossibleValuesParser::new(SortKey::ALL.iter().map(|key| key.name())).try_map(|key| key.parse::<SortKey>()))]
    sort: SortKey,
    /// With a command: exit with its status instead of 0, 128+n where signal n ended it
    #[arg(long, requires = "command", help_heading = "Output")]
    #[arg(conflicts_with_all = ["all", "pids", "comm", "cgroup", "container"])]
    forward_status: bool,
}

/// `--engine`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineArg {
    /// Raw, or tracepoint where that is refused
    Auto,
    /// A program on the end of all system calls
    Raw,
    /// Programs on the calls that are counted
    Tracepoint,
}

impl Args {
    /// The settings that they amount to.
    fn settings(&self) -> Settings {
        let target = self.target.target();
        let until_ended = matches!(target, Target::Command(_));
        Settings {
            duration: self.duration.or((!until_ended).then_some(DEFAULT_DURATION)),
            engine: match self.engine {
                EngineArg::Auto => EngineChoice::Auto,
                EngineArg::Raw => EngineChoice::Raw,
                EngineArg::Tracepoint => EngineChoice::Tracepoint,
            },
            target,
        }
    }
}

/// Counts, and prints the report.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let settings = args.settings();
    let separator = std::env::args_os().last().is_some_and(|last| last == "--");
    if separator && !matches!(settings.target, Target::Command(_)) {
        // A script whose variable is empty must not watch the whole machine instead.
        return Err(Failure::usage(
            "no command follows `--`; leave it out to audit the machine",
        ));
    }
    let options = TextOptions {
        width: terminal::width(),
        color: color.applies_to_stdout(),
        top: args.top.get(),
        sort: args.sort,
    };
    kernel::lift_memlock();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start", &error))?;
    let status = runtime.block_on(count_and_print(args, &settings, options));
    // A report that is stuck in a full pipe must not hold up the end.
    runtime.shutdown_background();
    status
}

async fn count_and_print(
    args: &Args,
    settings: &Settings,
    options: TextOptions,
) -> Result<ExitCode, Failure> {
    let mut signals =
        Signals::new().map_err(|error| Failure::io("cannot listen for signals", &error))?;
    let window = signals.window(async |stop| {
        tokio::select! {
            biased;
            snapshot = capture::live(settings, stop.requested()) => snapshot,
            never = show_progress(settings) => match never {},
        }
    });
    let window = window.await;
    progress::clear();
    let audit = match (window, signals.last()) {
        (Ok(Ok(snapshot)), _) => analysis::audit(snapshot),
        (Ok(Err(stopped @ CaptureError::Stopped)), Some(signal)) => {
            return Ok(Failure::from(stopped).report_with(signal.into()));
        }
        (Ok(Err(error)), _) => return Err(error.into()),
        (Err(signal), _) => return Ok(signal.into()),
    };
    let status = match &audit.command {
        Some(outcome) if args.forward_status => status_of(outcome),
        _ => ExitCode::SUCCESS,
    };
    // On another thread, so that a signal ends even a report that nobody reads.
    let json = args.json;
    let printed = tokio::task::spawn_blocking(move || print(&audit, json, &options));
    tokio::select! {
        printed = printed => match printed {
            Ok(result) => result.map(|()| status),
            // It panicked, and has said so.
            Err(_) => Err(Failure::usage("the report could not be made")),
        },
        signal = signals.next() => Ok(signal.into()),
    }
}

/// A command has the terminal for itself.
async fn show_progress(settings: &Settings) -> std::convert::Infallible {
    match settings.target {
        Target::Command(_) => std::future::pending().await,
        _ => progress::show(settings.duration).await,
    }
}

fn print(audit: &Audit, as_json: bool, options: &TextOptions) -> Result<(), Failure> {
    stdout::print(|mut out| {
        if as_json {
            json::write(&mut out, audit, None)
        } else {
            text::write(&mut out, audit, None, options)
        }
    })
}

/// The command's own status; success where it still runs.
fn status_of(outcome: &CommandOutcome) -> ExitCode {
    match (outcome.exit_code, outcome.signal) {
        (Some(code), _) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        (None, Some(signal)) => ExitCode::from(status_of_signal(signal)),
        (None, None) => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    fn settings(arguments: &[&str]) -> Settings {
        Program::try_parse_from([&["program"], arguments].concat())
            .expect("good arguments")
            .args
            .settings()
    }

    #[test]
    fn a_command_runs_to_its_end_unless_told() {
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(settings(&[]).duration, seconds(10));
        assert_eq!(settings(&["-d", "3"]).duration, seconds(3));
        assert_eq!(settings(&["--", "true"]).duration, None);
        assert_eq!(settings(&["-d", "2m", "--", "true"]).duration, seconds(120));
    }

    #[test]
    fn engines() {
        assert_eq!(settings(&[]).engine, EngineChoice::Auto);
        assert_eq!(settings(&["--engine", "raw"]).engine, EngineChoice::Raw);
        assert_eq!(
            settings(&["--engine=tracepoint"]).engine,
            EngineChoice::Tracepoint
        );
    }

    #[test]
    fn status_of_a_command() {
        let outcome = |exit_code, signal| CommandOutcome {
            command: vec!["true".to_owned()],
            pid: 1,
            exit_code,
            signal,
        };
        let status = |exit_code, signal| format!("{:?}", status_of(&outcome(exit_code, signal)));
        let code = |code: u8| format!("{:?}", ExitCode::from(code));
        assert_eq!(status(Some(3), None), code(3));
        assert_eq!(status(None, Some(9)), code(137));
        assert_eq!(status(None, None), code(0));
    }
}
