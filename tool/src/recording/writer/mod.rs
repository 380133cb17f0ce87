//! Writes a recording, step by step.

mod builds;
mod counters;
mod finding;
mod header;
mod processes;
mod profile;
mod stacks;
mod step;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::model::{Finding, Snapshot};
use crate::recording::RecordingError;
use crate::recording::checksum::Checksum;
use crate::recording::create::create;
use crate::recording::since::since;
use builds::Builds;
use counters::Counters;
use processes::Processes;
use profile::Sites;

/// How to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingOptions {
    /// The length of a step.
    pub interval: Duration,
    /// Whether a file of the same name may be overwritten.
    pub overwrite: bool,
    /// Whether its snapshots come from a [`crate::recording::Redactor`], as the file then says.
    pub redacted: bool,
}

/// A recording that is being written.
pub struct Writer {
    connection: Connection,
    checksum: Checksum,
    path: PathBuf,
    options: RecordingOptions,
    state: State,
    summary: Summary,
    /// What came before it, where it goes on with a capture that another file began with.
    before: Option<Box<Snapshot>>,
}

/// What a recording has so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Steps.
    pub steps: u32,
    /// Time that they cover.
    pub duration: Duration,
    /// Processes that were counted or sampled.
    pub processes: usize,
    /// Samples.
    pub samples: u64,
    /// Everything that was lost, of whatever kind.
    pub lost: u64,
    /// Bytes of the file.
    pub size: u64,
}

/// What is in the file, as far as the next step builds on it.
#[derive(Default)]
struct State {
    processes: Processes,
    counters: Counters,
    sites: Sites,
    builds: Builds,
}

impl Writer {
    /// Makes the file. There is nothing in it before the first step.
    ///
    /// # Errors
    ///
    /// Where it is there already, or cannot be made.
    pub fn create(path: &Path, options: RecordingOptions) -> Result<Self, RecordingError> {
        let connection = create(path, options.overwrite)?;
        let checksum = Checksum::of_empty(&connection)
            .map_err(|error| RecordingError::writing(path, &error))?;
        Ok(Self {
            connection,
            checksum,
            path: path.to_owned(),
            options,
            state: State::default(),
            summary: Summary::default(),
            before: None,
        })
    }

    /// The same of what comes after `before`, an earlier snapshot of the capture whose steps follow.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn create_after(
        path: &Path,
        options: RecordingOptions,
        before: Snapshot,
    ) -> Result<Self, RecordingError> {
        Ok(Self {
            before: Some(Box::new(before)),
            ..Self::create(path, options)?
        })
    }

    /// Adds a step. `snapshot` has all since the beginning; its call sites and those of CPUs begin with
    /// the ones of the step before, in the same order.
    ///
    /// After an error the file holds the steps before, and no more can be added.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub fn step(&mut self, snapshot: &Snapshot) -> Result<Summary, RecordingError> {
        let rest = self.before.as_deref().map(|before| since(snapshot, before));
        let snapshot = rest.as_ref().unwrap_or(snapshot);
        self.write(snapshot)
            .map_err(|error| RecordingError::writing(&self.path, &error))?;
        let sampling = &snapshot.profile.sampling;
        self.summary.duration = snapshot.window.duration;
        self.summary.processes = self.state.processes.count();
        self.summary.samples = sampling.samples;
        self.summary.lost = step::lost(&snapshot.loss).saturating_add(sampling.dropped);
        // Only shown.
        self.summary.size = fs::metadata(&self.path).map_or(0, |facts| facts.len());
        Ok(self.summary)
    }

    /// Ends the recording, gives it the name `old` (in place of what had it), and goes on in a new file of
    /// its own name with what comes after `last`, the last snapshot.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written, named or made.
    pub fn rotate(self, last: &Snapshot, old: &Path) -> Result<Self, RecordingError> {
        let (path, options) = (self.path.clone(), self.options);
        self.finish(last, &[])?;
        fs::rename(&path, old).map_err(|cause| RecordingError::Open {
            path: old.to_owned(),
            cause,
        })?;
        Self::create_after(&path, options, last.clone())
    }

    /// Ends the recording, and marks it as complete. `last` is the last snapshot, which was added as a
    /// step.
    ///
    /// # Errors
    ///
    /// Where it cannot be written. It then stays as it was, incomplete.
    pub fn finish(mut self, last: &Snapshot, findings: &[Finding]) -> Result<(), RecordingError> {
        self.write_end(last, findings)
            .map_err(|error| RecordingError::writing(&self.path, &error))
    }

    /// Makes steps faster, and unsafe where the power is cut.
    #[doc(hidden)]
    pub fn without_syncing(&self) {
        // It stays as it is where that cannot be changed.
        let _ = self.connection.pragma_update(None, "synchronous", "OFF");
    }

    /// Removes the file.
    pub fn discard(self) {
        drop(self.connection);
        // It is empty; if it stays it says so.
        let _ = fs::remove_file(&self.path);
    }

    fn write(&mut self, snapshot: &Snapshot) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let step = self.summary.steps + 1;
        if step == 1 {
            header::write(&transaction, snapshot, &self.options)?;
        }
        step::write(&transaction, step, snapshot)?;
        let State {
            processes,
            counters,
            sites,
            builds,
        } = &mut self.state;
        processes.write(&transaction, snapshot)?;
        counters.write(&transaction, step, snapshot, processes)?;
        sites.write(&transaction, step, &snapshot.profile, processes)?;
        builds.write(&transaction, &snapshot.profile.builds)?;
        if let Some(chunk) = counters.pack(&transaction, step)? {
            profile::thin_out(&transaction, chunk)?;
        }
        self.checksum.write(&transaction)?;
        transaction.commit()?;
        self.summary.steps = step;
        Ok(())
    }

    fn write_end(&mut self, last: &Snapshot, findings: &[Finding]) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for finding in findings {
            finding::write(&transaction, finding, &mut self.state)?;
        }
        header::complete(&transaction, last)?;
        self.checksum.write(&transaction)?;
        transaction.commit()
    }
}
