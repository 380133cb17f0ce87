//! `copytax report`

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;

use super::diagnosis::{Diagnosis, DiagnosisArgs};
use super::duration;
use super::failure::Failure;
use super::listing::ListingArgs;
use super::output::{Output, OutputArgs};
use super::page::{self, MOMENTS};
use super::terminal::{self, ColorChoice};
use crate::analysis;
use crate::model::{Audit, Moment, Profile, Snapshot};
use crate::recording::{Recording, RecordingError, Selection};
use crate::report::{GraphOptions, Only, Sampled, TextOptions};
use crate::report::{csv, folded, json, pprof, text};

/// The audit of a recording, or of a part of it
///
/// Says of recorded counts and samples what `audit` says of live ones, by the rules of this copytax.
/// A recording that is not complete is read up to its last step, and one that is damaged as far as it can
/// be, which is said on stderr.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    recorded: RecordedArgs,
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
    #[command(flatten)]
    listing: ListingArgs,
}

/// A recording, and which part of it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RecordedArgs {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Leave out what came before this time after its start
    #[arg(long, value_name = "TIME", value_parser = parse_moment, help_heading = "Part")]
    from: Option<Duration>,
    /// Leave out what came after this time after its start
    #[arg(long, value_name = "TIME", value_parser = parse_moment, help_heading = "Part")]
    to: Option<Duration>,
    /// Only this process; give it again for more
    #[arg(short, long = "pid", value_name = "PID", help_heading = "Part")]
    pids: Vec<u32>,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// Schema copytax.report/1, with every process
    Json,
    /// A line a flow, for spreadsheets
    Csv,
    /// A stack a line, as flame graph tools read them; flamegraph has options for it
    Folded,
    /// For `go tool pprof` and profile servers; likewise
    Pprof,
    /// For browsers: one page that loads nothing, with charts and flame graphs
    Html,
}

/// The start itself is a moment, though no duration.
fn parse_moment(text: &str) -> Result<Duration, String> {
    match text.trim() {
        "0" | "0s" => Ok(Duration::ZERO),
        text => duration::parse(text),
    }
}

impl RecordedArgs {
    /// All of a recording.
    pub(crate) fn all_of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            from: None,
            to: None,
            pids: Vec::new(),
        }
    }

    /// Reads what is asked for; of a damaged recording what is left of that, which is said on stderr.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, Failure> {
        self.snapshot_and_damage().map(|(snapshot, _)| snapshot)
    }

    /// The same, and what is wrong with the recording if it is damaged.
    pub(crate) fn snapshot_and_damage(&self) -> Result<(Snapshot, Option<String>), Failure> {
        match self.read() {
            Ok(snapshot) => Ok((snapshot, None)),
            Err(Unread::Damaged(damage)) => {
                let what = damage.to_string();
                self.left(damage).map(|left| (left, Some(what)))
            }
            Err(Unread::Otherwise(failure)) => Err(failure),
        }
    }

    /// The same of a recording that must be as it was written.
    pub(crate) fn intact_snapshot(&self) -> Result<Snapshot, Failure> {
        self.read().map_err(|error| match error {
            Unread::Damaged(damage) => damage.into(),
            Unread::Otherwise(failure) => failure,
        })
    }

    fn read(&self) -> Result<Snapshot, Unread> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Failure::usage("--from must be before --to").into());
        }
        let recording = Recording::open(&self.file)?;
        let mut snapshot = recording.snapshot(&self.selection())?;
        tell_of_end(&self.file, &recording);
        analysis::calibrate(&mut snapshot);
        Ok(snapshot)
    }

    fn left(&self, damage: RecordingError) -> Result<Snapshot, Failure> {
        let left = Recording::salvaged(&self.file);
        let left = left.and_then(|left| left.snapshot(&self.selection()));
        // What is wrong with what is left says less.
        let Ok(mut snapshot) = left else {
            return Err(damage.into());
        };
        tracing::warn!("{damage}; this is what is left of it, in which numbers may be wrong");
        analysis::calibrate(&mut snapshot);
        Ok(snapshot)
    }

    /// [`Self::snapshot`], and how it came over time, which of a damaged recording nobody can tell.
    fn snapshot_and_moments(&self) -> Result<(Snapshot, Vec<Moment>), Failure> {
        let snapshot = self.snapshot()?;
        let recording = Recording::open(&self.file);
        let timeline = recording.and_then(|file| file.timeline(&self.selection(), MOMENTS));
        let moments = timeline.map(|timeline| analysis::moments(&timeline));
        Ok((snapshot, moments.unwrap_or_default()))
    }

    fn selection(&self) -> Selection {
        Selection {
            from: self.from,
            to: self.to,
            pids: self.pids.clone(),
        }
    }
}

/// Why nothing was read.
enum Unread {
    Damaged(RecordingError),
    Otherwise(Failure),
}

impl From<RecordingError> for Unread {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Damaged { .. } => Self::Damaged(error),
            _ => Self::Otherwise(error.into()),
        }
    }
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Self::Otherwise(failure)
    }
}

/// Opens a recording, and says if it is incomplete.
pub(crate) fn open(path: &Path) -> Result<Recording, Failure> {
    let recording = Recording::open(path)?;
    tell_of_end(path, &recording);
    Ok(recording)
}

fn tell_of_end(path: &Path, recording: &Recording) {
    if !recording.is_complete() {
        let milliseconds = u64::try_from(recording.duration().as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            "{} is incomplete: it is still being recorded, or was cut short; it has {}",
            path.display(),
            humantime::format_duration(Duration::from_millis(milliseconds))
        );
    }
}

/// Reads, and writes the report.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let diagnosis = args.diagnosis.load()?;
    let output = args.output.create()?;
    if args.format == Format::Html {
        return page(args, &diagnosis, output);
    }
    let snapshot = args.recorded.snapshot()?;
    if matches!(args.format, Format::Folded | Format::Pprof) {
        output.write(|mut out| write_graph(&mut out, &snapshot, args.format))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (audit, profile, fails) = diagnosis.audited(snapshot);
    let options = TextOptions {
        width: terminal::width(),
        color: output.is_coloured(color),
        top: args.listing.top(),
        sort: args.listing.sort(),
    };
    output.write(|mut out| write(&mut out, &audit, &profile, args.format, &options))?;
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Writes the page.
fn page(args: &Args, diagnosis: &Diagnosis, output: Output) -> Result<ExitCode, Failure> {
    let (snapshot, moments) = args.recorded.snapshot_and_moments()?;
    let (audit, profile, fails) = diagnosis.audited(snapshot);
    page::write(&audit, &profile, &moments, output)?;
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn write(
    out: &mut impl Write,
    audit: &Audit,
    profile: &Profile,
    format: Format,
    options: &TextOptions,
) -> io::Result<()> {
    let profile = profile.is_sampled().then_some(profile);
    match format {
        Format::Json => json::write(out, audit, profile),
        Format::Csv => csv::write(out, audit),
        _ => text::write(out, audit, profile, options),
    }
}

fn write_graph(out: &mut impl Write, snapshot: &Snapshot, format: Format) -> io::Result<()> {
    let sampled = Sampled::from(snapshot);
    let options = GraphOptions {
        only: Only::All,
        ..GraphOptions::default()
    };
    match format {
        Format::Folded => folded::write(out, &sampled, &options),
        _ => pprof::write(out, &sampled, &options),
    }
}
