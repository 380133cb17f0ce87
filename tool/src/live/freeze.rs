//! The last minute, for a recording.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::model::Snapshot;
use crate::recording::{RecordingError, RecordingOptions, Writer};

/// Looks that are kept, and the one before them.
const KEPT: usize = 61;

/// The last looks at a capture.
#[derive(Debug, Default)]
pub struct Kept(VecDeque<Arc<Snapshot>>);

impl Kept {
    /// Adds a look, and forgets the oldest.
    pub fn push(&mut self, snapshot: Arc<Snapshot>) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(snapshot);
    }

    /// The newest.
    #[must_use]
    pub fn last(&self) -> Option<&Arc<Snapshot>> {
        self.0.back()
    }

    /// Writes them to a new recording; how long it is.
    ///
    /// # Errors
    ///
    /// Where it is there already, or cannot be written.
    pub fn freeze(&self, path: &Path, interval: Duration) -> Result<Duration, RecordingError> {
        let options = RecordingOptions {
            interval,
            overwrite: false,
            redacted: false,
        };
        let Some((first, last)) = self.0.front().zip(self.0.back()) else {
            return Err(RecordingError::Empty(path.to_owned()));
        };
        let is_all = self.0.len() < KEPT;
        let mut writer = if is_all {
            Writer::create(path, options)?
        } else {
            Writer::create_after(path, options, Snapshot::clone(first))?
        };
        let mut duration = Duration::ZERO;
        for snapshot in self.0.iter().skip(usize::from(!is_all)) {
            duration = writer.step(snapshot)?.duration;
        }
        writer.finish(last, &[])?;
        Ok(duration)
    }
}
