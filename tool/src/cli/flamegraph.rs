//! `copytax flamegraph`

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::engine::EngineArgs;
use super::failure::Failure;
use super::output::Output;
use super::report::RecordedArgs;
use super::samples::SamplesArgs;
use super::target::TargetArgs;
use super::{duration, live};
use crate::capture::Settings;
use crate::model::Snapshot;
use crate::report::{GraphOptions, Only, Sampled, Side, Weight};
use crate::report::{flamegraph, folded, pprof};

/// Who moves the bytes, as a flame graph or for other tools
///
/// Samples call sites for a while, then writes a picture whose boxes are as wide as the bytes that
/// went through each function. Ctrl-C ends the window early and still writes the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show what was recorded instead
    #[arg(value_name = "FILE")]
    #[arg(conflicts_with_all = ["target", "follow", "duration", "engine", "samples", "kernel"])]
    recording: Option<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// How long to sample, such as 10s, 2m or 1h; a command that still runs then gets SIGTERM
    /// [default: 10s; with a command, until it has ended]
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse)]
    #[arg(allow_hyphen_values = true, help_heading = "Count")]
    duration: Option<Duration>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    samples: SamplesArgs,
    /// What the width of a box stands for
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "bytes",
        help_heading = "Graph"
    )]
    #[arg(value_parser = one_of(Weight::ALL, Weight::name))]
    weight: Weight,
    /// Which bytes count, with --weight bytes or calls [default: bounced]
    #[arg(long, value_name = "BYTES", help_heading = "Graph")]
    #[arg(value_parser = one_of(Only::ALL, Only::name))]
    only: Option<Only>,
    /// Whose stack stands for bytes that were read and written [default: both]
    #[arg(long, value_name = "SIDE", help_heading = "Graph")]
    #[arg(value_parser = one_of(Side::ALL, Side::name))]
    side: Option<Side>,
    /// Begin with the innermost function
    #[arg(long, help_heading = "Graph")]
    reverse: bool,
    /// Show what the kernel did, too
    #[arg(long, help_heading = "Graph")]
    kernel: bool,
    /// What to write [default: by the name of the file: .svg, .folded, .pb.gz]
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    format: Option<Format>,
    /// The file to write; - for standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: PathBuf,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A picture for browsers, which can be searched
    Svg,
    /// A stack a line, as flame graph tools read them
    Folded,
    /// For `go tool pprof` and profile servers
    Pprof,
}

/// A parser of the names of `all`.
fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl clap::builder::TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|value| name(*value))).try_map(move |text| {
        let found = all.iter().find(|value| name(**value) == text);
        found.copied().ok_or("no such value")
    })
}

impl Args {
    fn settings(&self) -> Settings {
        let target = self.target.target();
        Settings {
            duration: duration::of_window(self.duration, &target),
            engine: self.engine.choice(),
            target,
            profiling: Some(self.samples.profiling(self.kernel)),
        }
    }

    fn options(&self) -> Result<GraphOptions, Failure> {
        if self.weight == Weight::Cpu && (self.only.is_some() || self.side.is_some()) {
            return Err(Failure::usage(
                "--only and --side choose between bytes, and --weight cpu counts none: leave them out",
            ));
        }
        Ok(GraphOptions {
            weight: self.weight,
            only: self.only.unwrap_or(Only::Bounced),
            side: self.side.unwrap_or(Side::Both),
            reverse: self.reverse,
        })
    }

    /// The format that was asked for, else the one that the file is named after.
    fn format(&self) -> Result<Format, Failure> {
        let name = self.output.to_string_lossy();
        let by_name = || match () {
            () if name.ends_with(".svg") => Some(Format::Svg),
            () if name.ends_with(".folded") => Some(Format::Folded),
            () if name.ends_with(".pb.gz") || name.ends_with(".pprof") => Some(Format::Pprof),
            () => None,
        };
        self.format.or_else(by_name).ok_or_else(|| {
            Failure::usage(
                "the name of the file does not say what to write: end it in .svg, .folded or \
                 .pb.gz, or give --format",
            )
        })
    }
}

/// Samples, and writes the file.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let format = args.format()?;
    let options = args.options()?;
    let output = Output::create(&args.output)?;
    if let Some(path) = &args.recording {
        let snapshot = RecordedArgs::all_of(path).snapshot()?;
        output.write(|mut out| write(&mut out, &snapshot, format, &options))?;
        return Ok(ExitCode::SUCCESS);
    }
    live::run(&args.settings(), move |snapshot| {
        if let Some(reason) = snapshot.without_profile.as_deref() {
            return Err(Failure::usage(reason));
        }
        output.write(|mut out| write(&mut out, &snapshot, format, &options))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn write(
    out: &mut impl io::Write,
    snapshot: &Snapshot,
    format: Format,
    options: &GraphOptions,
) -> io::Result<()> {
    let sampled = Sampled::from(snapshot);
    match format {
        Format::Svg => flamegraph::write(out, &sampled, options),
        Format::Folded => folded::write(out, &sampled, options),
        Format::Pprof => pprof::write(out, &sampled, options),
    }
}
