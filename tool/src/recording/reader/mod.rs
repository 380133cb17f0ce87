//! Reads a recording. Whoever made the file may have meant harm: its schema must be ours to the letter,
//! what it says is checked, and an error says what is wrong with it.

mod builds;
mod counters;
mod header;
mod open;
mod processes;
mod profile;
mod salvage;
mod stacks;
mod steps;
mod timeline;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Row};

use crate::model::{ProcessFacts, ProcessId, Snapshot, Timeline, Window};
use crate::recording::{RecordingError, checksum};
use header::Header;
pub use open::is_recording;
use processes::Processes;
use steps::{Range, Steps};

/// A recording that is read.
pub struct Recording {
    connection: Connection,
    /// Of the schema.
    version: u32,
    path: PathBuf,
    header: Option<Header>,
    steps: Steps,
}

/// Which part of a recording to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Steps that begin before this are left out; from the start of the recording on.
    pub from: Option<Duration>,
    /// Steps that end after this are left out.
    pub to: Option<Duration>,
    /// Only these processes; empty for all.
    pub pids: Vec<u32>,
}

impl Recording {
    /// Opens a recording, also one that is being written: it is read as it is now.
    ///
    /// # Errors
    ///
    /// Where it is none, a newer one, or damaged.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let (connection, version) = open::open(path)?;
        let recording = Self::of(path, connection, version)?;
        let sum = checksum::of(&recording.connection, version)
            .map_err(|error| RecordingError::reading(path, &error))?;
        let is_other = |header: &Header| {
            let is_due = header.complete || version >= checksum::SUMS;
            is_due && header.checksum != Some(sum)
        };
        if recording.header.as_ref().is_some_and(is_other) {
            return Err(RecordingError::Damaged {
                path: path.to_owned(),
                what: "its checksum is another".to_owned(),
            });
        }
        Ok(recording)
    }

    /// What is left of a recording that is damaged: an incomplete one, in which numbers may be wrong.
    ///
    /// # Errors
    ///
    /// Where nothing of it can be read.
    pub fn salvaged(path: &Path) -> Result<Self, RecordingError> {
        let (file, version) = open::open_damaged(path)?;
        let copy = salvage::salvage(&file, version)
            .map_err(|error| RecordingError::reading(path, &error))?;
        let mut left = Self::of(path, copy, version)?;
        if let Some(header) = &mut left.header {
            header.complete = false;
        }
        Ok(left)
    }

    fn of(path: &Path, connection: Connection, version: u32) -> Result<Self, RecordingError> {
        let damaged = |error| RecordingError::reading(path, &error);
        Ok(Self {
            header: header::read(&connection).map_err(damaged)?,
            steps: Steps::read(&connection).map_err(damaged)?,
            connection,
            version,
            path: path.to_owned(),
        })
    }

    /// Whether it ended as it should. If not, its copytax still writes it, or was ended by force.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.complete)
    }

    /// How long it is; what was counted after its last step is not in it.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.steps.duration()
    }

    /// Everything that was counted and sampled in the selected part. Of all of a recording it is what
    /// the capture gave.
    ///
    /// # Errors
    ///
    /// Where the file is damaged, or has nothing in that range.
    pub fn snapshot(&self, selection: &Selection) -> Result<Snapshot, RecordingError> {
        let range = self.range(selection)?;
        let header = self.header.as_ref().ok_or_else(|| self.empty(selection))?;
        let read = || -> rusqlite::Result<Result<Snapshot, RecordingError>> {
            let processes = processes::read(&self.connection)?;
            let wanted = Wanted::new(&processes, selection);
            if let Some(pid) = selection.missing(&processes) {
                return Ok(Err(RecordingError::NoProcess {
                    path: self.path.clone(),
                    pid,
                }));
            }
            let counts = counters::read(&self.connection, &range, &wanted)?;
            let first = self.steps.sums_before(&range);
            let last = self.steps.sums_at(&range);
            let start = self.steps.start_of(&range);
            let start_ns = header
                .window
                .start_ns
                .saturating_add(whole_nanoseconds(start));
            let mut snapshot = Snapshot {
                host: header.host.clone(),
                window: Window {
                    start: header.window.start + start,
                    start_ns,
                    duration: self.steps.end_of(&range).saturating_sub(start),
                },
                engine: header.engine,
                flows: Vec::new(),
                errors: Vec::new(),
                transfers: Vec::new(),
                processes: wanted.facts(&processes),
                loss: last.loss_since(first),
                command: header.command.clone(),
                profile: profile::read(&self.connection, &range, &wanted)?,
                without_profile: header.without_profile.clone(),
                is_incomplete: !header.complete,
            };
            snapshot.profile.builds = builds::read(&self.connection, self.version)?;
            snapshot.profile.sampling = last.sampling_since(first, header.first_interval);
            counts.put_into(&mut snapshot);
            Ok(Ok(snapshot))
        };
        read().map_err(|error| RecordingError::reading(&self.path, &error))?
    }

    /// How the counts of the selected part came over time, in at most so many cells.
    ///
    /// # Errors
    ///
    /// Those of [`Self::snapshot`].
    pub fn timeline(
        &self,
        selection: &Selection,
        cells: usize,
    ) -> Result<Timeline, RecordingError> {
        let range = self.range(selection)?;
        let read = || {
            let processes = processes::read(&self.connection)?;
            let wanted = Wanted::new(&processes, selection);
            timeline::read(&self.connection, &self.steps, &range, &wanted, cells)
        };
        read().map_err(|error| RecordingError::reading(&self.path, &error))
    }

    fn range(&self, selection: &Selection) -> Result<Range, RecordingError> {
        self.steps
            .range(selection.from, selection.to)
            .ok_or_else(|| self.empty(selection))
    }

    fn empty(&self, selection: &Selection) -> RecordingError {
        if self.header.is_none() {
            return RecordingError::Empty(self.path.clone());
        }
        let time = |time: Duration| humantime::format_duration(time).to_string();
        let length = self.duration();
        RecordingError::EmptyRange {
            path: self.path.clone(),
            from: time(selection.from.unwrap_or_default()),
            to: selection.to.map_or_else(|| "its end".to_owned(), time),
            length: time(length),
        }
    }
}

impl Selection {
    /// The first that is not there of those that are asked for.
    fn missing(&self, processes: &Processes) -> Option<u32> {
        let is_there = |pid: &u32| processes.values().any(|(id, _)| id.pid == *pid);
        self.pids.iter().copied().find(|pid| !is_there(pid))
    }
}

/// The processes, by their rows; `None` where one is not wanted.
struct Wanted(HashMap<i64, Option<ProcessId>>);

impl Wanted {
    fn new(processes: &Processes, selection: &Selection) -> Self {
        let pids = &selection.pids;
        let is_wanted = |id: &ProcessId| pids.is_empty() || pids.contains(&id.pid);
        let wanted = processes.iter();
        Self(
            wanted
                .map(|(row, (id, _))| (*row, Some(*id).filter(is_wanted)))
                .collect(),
        )
    }

    fn facts(&self, processes: &Processes) -> BTreeMap<ProcessId, ProcessFacts> {
        let known = processes.iter().filter_map(|(row, (_, facts))| {
            let id = self.0.get(row).copied().flatten()?;
            Some((id, facts.clone()?))
        });
        known.collect()
    }

    /// The process that a column names; `None` where it is not wanted.
    fn process(&self, row: &Row<'_>, column: usize) -> rusqlite::Result<Option<ProcessId>> {
        let process: i64 = row.get(column)?;
        let found = self.0.get(&process).copied();
        found.ok_or_else(|| wrong(column, format!("process {process} is missing")))
    }
}

/// Whole nanoseconds; 584 years at most.
fn whole_nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What is wrong with a column, as an error of reading it.
fn wrong(column: usize, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Null, what.into())
}

/// A number that is not negative.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// A value by its name.
fn named<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    crate::recording::names::by_name(all, name, &text)
        .ok_or_else(|| wrong(column, format!("{text:?} stands for nothing")))
}

/// A value by its name, or none.
fn optional<T: Copy>(
    row: &Row<'_>,
    column: usize,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => named(row, column, all, name).map(Some),
    }
}
