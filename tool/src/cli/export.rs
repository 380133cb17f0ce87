//! `copytax export`

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use tempfile::NamedTempFile;

use super::diagnosis::DiagnosisArgs;
use super::failure::Failure;
use super::fleet::{ReadRecording, read_all};
use super::output::unfinished_in;
use crate::analysis::fleet::{Pool, pool};
use crate::model::{Audit, Timeline};
use crate::recording::{Recording, Selection};
use crate::report::Recorded;
use crate::report::parquet::{Export, INTERVALS, tables};

/// Recordings as tables for a database
///
/// Writes flows, samples, findings, processes, intervals and losses of all recordings, a file a table
/// (docs/export.md), for their owner only. Each row names its recording and its machine, so that files of
/// many exports can be queried as one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  copytax export fleet/*.ctx -o tables
  duckdb -c \"SELECT service, sum(bytes) FROM 'tables/flows.parquet'
             WHERE lost GROUP BY service ORDER BY 2 DESC\"")]
pub(crate) struct Args {
    /// The recordings
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// What to write
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "parquet",
        help_heading = "Output"
    )]
    format: Format,
    /// The folder to write to; it is made if it is not there
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    output: PathBuf,
    /// Overwrite tables that are there
    #[arg(long, help_heading = "Output")]
    force: bool,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Apache Parquet, compressed by Snappy
    Parquet,
}

/// Reads, and writes the tables.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let Format::Parquet = args.format;
    let diagnosis = args.diagnosis.load()?;
    let folder = Folder::make(&args.output, args.force)?;
    let read = read_all(&args.files, &diagnosis)?;
    let audits: Vec<&Audit> = read.iter().map(|recording| &recording.audit).collect();
    let pool = pool(&audits);
    let recordings: Vec<Recorded<'_>> = read.iter().map(ReadRecording::recorded).collect();
    tell_of_overlaps(&pool, &recordings);
    let written = write(args, &folder, &pool, &recordings);
    let written = written.map_err(|error| folder.failure(&error))?;
    folder.name(written)?;
    Ok(if read.iter().any(|recording| recording.fails) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

type Written = Vec<(&'static str, NamedTempFile)>;

fn write(
    args: &Args,
    folder: &Folder<'_>,
    pool: &Pool,
    recordings: &[Recorded<'_>],
) -> io::Result<Written> {
    let mut export = Export::begin(|_| unfinished_in(folder.path))?;
    for (index, file) in args.files.iter().enumerate() {
        let timeline = timeline(file, &recordings[index]);
        export.write(recordings, pool, index, timeline.as_ref())?;
    }
    export.finish()
}

/// How counts came over time; of a damaged recording nobody can tell.
fn timeline(file: &Path, recorded: &Recorded<'_>) -> Option<Timeline> {
    if recorded.damage.is_some() {
        return None;
    }
    let timeline = Recording::open(file)
        .and_then(|recording| recording.timeline(&Selection::default(), INTERVALS));
    timeline
        .inspect_err(|error| tracing::warn!("there are no intervals of it: {error}"))
        .ok()
}

fn tell_of_overlaps(pool: &Pool, recordings: &[Recorded<'_>]) {
    for (&index, overlap) in &pool.overlaps {
        let others = overlap.counted_from.iter();
        let others: Vec<&str> = others.map(|&other| recordings[other].file).collect();
        tracing::warn!(
            "{} has a time in common with {}: {} of its processes are written from there alone",
            recordings[index].file,
            others.join(" and "),
            overlap.processes.len(),
        );
    }
}

/// Where the tables go.
struct Folder<'a> {
    path: &'a Path,
    force: bool,
}

impl<'a> Folder<'a> {
    /// Makes it, and makes sure that no table is in the way.
    fn make(path: &'a Path, force: bool) -> Result<Self, Failure> {
        let folder = Self { path, force };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| folder.failure(&error))?;
        for table in tables() {
            let file = folder.file(table.name);
            match fs::symlink_metadata(&file) {
                Ok(there) if !there.is_file() => {
                    return Err(Failure::usage(format!(
                        "{} is no regular file",
                        file.display()
                    )));
                }
                Ok(_) if !force => return Err(exists(&file)),
                _ => {}
            }
        }
        Ok(folder)
    }

    fn file(&self, table: &str) -> PathBuf {
        self.path.join(format!("{table}.parquet"))
    }

    fn failure(&self, error: &io::Error) -> Failure {
        Failure::io(&format!("cannot write to {}", self.path.display()), error)
    }

    /// Gives the tables their names, now that all of them are whole.
    fn name(&self, written: Written) -> Result<(), Failure> {
        for (table, unfinished) in written {
            let file = self.file(table);
            let named = if self.force {
                unfinished.persist(&file)
            } else {
                unfinished.persist_noclobber(&file)
            };
            named.map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => exists(&file),
                _ => self.failure(&error.error),
            })?;
        }
        Ok(())
    }
}

fn exists(file: &Path) -> Failure {
    Failure::usage(format!("{} exists; --force overwrites it", file.display()))
}
