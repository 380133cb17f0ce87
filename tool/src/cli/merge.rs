//! `copytax merge`

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::diagnosis::DiagnosisArgs;
use super::diff::match_by;
use super::failure::Failure;
use super::fleet::{ReadRecording, read_all};
use super::output::OutputArgs;
use super::terminal::{self, ColorChoice};
use crate::analysis::MatchBy;
use crate::analysis::fleet::{self, Fleet};
use crate::model::Audit;
use crate::report::{Recorded, csv, json, text};

/// Recordings of many machines as one report: which service pays most, and why
///
/// Recordings of the same machine count as one; where they have a time in common, each process is counted
/// from one of them, and it is said what is left out. Rates are of each machine's own recorded time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  copytax merge fleet/*.ctx
  copytax merge fleet/*.ctx --by cgroup --format csv -o services.csv

Exit status: 0 done; 1 a finding that --fail-on asks for; 2 it cannot.")]
pub(crate) struct Args {
    /// The recordings
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What makes processes one service: program is executable, arguments and runtime
    #[arg(long, value_name = "WHAT", default_value = "exe", value_parser = match_by())]
    #[arg(help_heading = "Count")]
    by: MatchBy,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// What to write
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Output"
    )]
    format: Format,
    #[command(flatten)]
    output: OutputArgs,
    /// Print the first N services; the sums are always of all
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Output")]
    top: NonZeroUsize,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// Schema copytax.merge/1, with every service
    Json,
    /// A line a service, for spreadsheets
    Csv,
}

/// Reads, and writes the report.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let diagnosis = args.diagnosis.load()?;
    let output = args.output.create()?;
    let read = read_all(&args.files, &diagnosis)?;
    let audits: Vec<&Audit> = read.iter().map(|recording| &recording.audit).collect();
    let fleet = fleet::merge(&audits, args.by);
    let recordings: Vec<Recorded<'_>> = read.iter().map(ReadRecording::recorded).collect();
    let color = output.is_coloured(color);
    output.write(|mut out| write(&mut out, args, &fleet, &recordings, color))?;
    Ok(if read.iter().any(|recording| recording.fails) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn write(
    out: &mut impl Write,
    args: &Args,
    fleet: &Fleet,
    recordings: &[Recorded<'_>],
    color: bool,
) -> io::Result<()> {
    match args.format {
        Format::Text => {
            let page = (terminal::width(), color);
            text::write_fleet(out, fleet, recordings, page, args.top.get())
        }
        Format::Json => json::write_fleet(out, fleet, recordings),
        Format::Csv => csv::write_fleet(out, fleet),
    }
}
