//! Recordings that are read for what they say together.

use std::path::{Path, PathBuf};

use super::diagnosis::Diagnosis;
use super::failure::Failure;
use super::report::RecordedArgs;
use crate::model::{Audit, Profile};
use crate::report::Recorded;

/// A recording that was read.
pub(crate) struct ReadRecording {
    name: String,
    pub(crate) audit: Audit,
    profile: Profile,
    damage: Option<String>,
    /// Whether its findings make the run fail.
    pub(crate) fails: bool,
}

impl ReadRecording {
    fn read(path: &Path, diagnosis: &Diagnosis) -> Result<Self, Failure> {
        let (snapshot, damage) = RecordedArgs::all_of(path).snapshot_and_damage()?;
        let (audit, profile, fails) = diagnosis.audited(snapshot);
        Ok(Self {
            name: path.display().to_string(),
            audit,
            profile,
            damage,
            fails,
        })
    }

    /// As reports are told of it.
    pub(crate) fn recorded(&self) -> Recorded<'_> {
        Recorded {
            file: &self.name,
            audit: &self.audit,
            profile: &self.profile,
            damage: self.damage.as_deref(),
        }
    }
}

/// Reads all of them, or says which one cannot be read.
pub(crate) fn read_all(
    files: &[PathBuf],
    diagnosis: &Diagnosis,
) -> Result<Vec<ReadRecording>, Failure> {
    let files = files.iter();
    files
        .map(|file| ReadRecording::read(file, diagnosis))
        .collect()
}
