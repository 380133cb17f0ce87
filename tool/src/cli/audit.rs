//! `copytax audit`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::diagnosis::DiagnosisArgs;
use super::engine::EngineArgs;
use super::failure::Failure;
use super::listing::ListingArgs;
use super::output::Output;
use super::page::{self, Looks};
use super::progress::Progress;
use super::report::RecordedArgs;
use super::samples::StacksArgs;
use super::signals::status_of_signal;
use super::target::{TargetArgs, refuse_empty_command};
use super::terminal::ColorChoice;
use super::{duration, live, stdout, terminal};
use crate::analysis;
use crate::capture::Settings;
use crate::model::{Audit, CommandOutcome, Profile, Snapshot};
use crate::report::text::TextOptions;
use crate::report::{json, text};

/// What moves bytes here, who pays for copies, and how much
///
/// Counts for a while, then prints which bytes of each process went by zero-copy paths and which
/// were lost to read and write. Ctrl-C ends the count early and still prints the report; a second
/// one ends without.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Say it of what was recorded instead; `report` has more ways to
    #[arg(value_name = "FILE")]
    #[arg(conflicts_with_all = ["target", "follow", "duration", "engine", "samples", "no_stacks"])]
    #[arg(conflicts_with = "forward_status")]
    recording: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// How long to count, such as 500ms, 10s, 2m or 1h; a command that still runs then gets SIGTERM
    /// [default: 10s; with a command, until it has ended]
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true, help_heading = "Count")]
    duration: Option<Duration>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    stacks: StacksArgs,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// Print JSON (schema copytax.report/1) with every process
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Write the report as a page for browsers, too, which loads nothing
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    #[command(flatten)]
    listing: ListingArgs,
    /// With a command: exit with its status instead of 0, 128+n where signal n ended it
    #[arg(long, requires = "command", help_heading = "Output")]
    #[arg(conflicts_with_all = ["all", "pids", "comm", "cgroup", "container"])]
    forward_status: bool,
}

impl Args {
    /// The settings that they amount to.
    fn settings(&self) -> Settings {
        let target = self.target.target();
        Settings {
            duration: duration::of_window(self.duration, &target),
            engine: self.engine.choice(),
            profiling: self.stacks.profiling(false),
            target,
        }
    }
}

/// Counts, and prints the report.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let settings = args.settings();
    refuse_empty_command(&settings.target)?;
    let options = TextOptions {
        width: terminal::width(),
        color: color.applies_to_stdout(),
        top: args.listing.top(),
        sort: args.listing.sort(),
    };
    let diagnosis = args.diagnosis.load()?;
    let (as_json, forward_status) = (args.json, args.forward_status);
    let page = args.html.as_deref().map(Output::create).transpose()?;
    let looks = Looks::default();
    let observation = page.is_some().then(|| looks.observation(settings.duration));
    let report = move |snapshot: Snapshot| {
        if let Some(reason) = &snapshot.without_profile {
            tracing::warn!("call sites are not sampled: {reason}");
        }
        looks.add(&snapshot);
        let (audit, profile, fails) = diagnosis.audited(snapshot);
        if let Some(page) = page {
            page::write(&audit, &profile, &looks.moments(), page)?;
        }
        let sampled = profile.is_sampled().then_some(&profile);
        print(&audit, sampled, as_json, &options)?;
        Ok(match &audit.command {
            _ if fails => ExitCode::FAILURE,
            Some(outcome) if forward_status => status_of(outcome),
            _ => ExitCode::SUCCESS,
        })
    };
    match &args.recording {
        Some(path) => report(RecordedArgs::all_of(path).snapshot()?),
        None => {
            let progress = Progress::of_count(settings.duration);
            live::run_with(&settings, observation, progress, |mut snapshot| {
                analysis::calibrate(&mut snapshot);
                report(snapshot)
            })
        }
    }
}

fn print(
    audit: &Audit,
    profile: Option<&Profile>,
    as_json: bool,
    options: &TextOptions,
) -> Result<(), Failure> {
    stdout::print(|mut out| {
        if as_json {
            json::write(&mut out, audit, profile)
        } else {
            text::write(&mut out, audit, profile, options)
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
    use crate::capture::EngineChoice;

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
