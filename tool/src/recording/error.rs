//! What can go wrong with a recording.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is something of this name.
    #[error("{0} exists; --force overwrites it")]
    Exists(PathBuf),
    /// Something of this name cannot be a recording.
    #[error("{0} is no regular file")]
    NoFile(PathBuf),
    /// The file cannot be made or opened.
    #[error("cannot open {path}: {cause}")]
    Open {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// It cannot be written to, as where the disk is full.
    #[error("cannot write {path}: {cause}")]
    Write {
        /// Which one.
        path: PathBuf,
        /// In the words of SQLite.
        cause: String,
    },
    /// It is something else.
    #[error("{0} is not a recording of copytax")]
    Foreign(PathBuf),
    /// It was written by a copytax that knows more.
    #[error(
        "{path} was recorded by a newer copytax (its schema is version {found}, this one reads up \
         to version {known})"
    )]
    Newer {
        /// Which one.
        path: PathBuf,
        /// Version of its schema.
        found: i64,
        /// The newest version that is known.
        known: u32,
    },
    /// It is not as it was written.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A write was cut short, and what is left of it cannot be taken back.
    #[error(
        "{path} was being written when its copytax ended; to read it, its folder must be writable \
         and {path}-journal must be beside it"
    )]
    Unfinished {
        /// Which one.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// Which one.
        path: PathBuf,
        /// In the words of SQLite.
        cause: String,
    },
    /// It was ended before its first step.
    #[error("{0} is empty: its copytax ended before the first step")]
    Empty(PathBuf),
    /// A process that was asked for moved no bytes while it was recorded.
    #[error("{path} has no process {pid}")]
    NoProcess {
        /// Which recording.
        path: PathBuf,
        /// Which process.
        pid: u32,
    },
    /// Nothing was recorded in the range that was asked for.
    #[error("{path} has nothing between {from} and {to}: it is {length} long")]
    EmptyRange {
        /// Which one.
        path: PathBuf,
        /// Begin of the range.
        from: String,
        /// End of the range.
        to: String,
        /// Length of the recording.
        length: String,
    },
}

impl RecordingError {
    /// An error of SQLite while reading.
    pub(super) fn reading(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let what = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign(path),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::TooBig | ErrorCode::TypeMismatch) => {
                Self::Damaged { path, what }
            }
            Some(_) => Self::Read { path, cause: what },
            // A column that has another type than the schema says.
            None => Self::Damaged { path, what },
        }
    }

    /// An error of SQLite while writing.
    pub(super) fn writing(path: &Path, error: &rusqlite::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            cause: error.to_string(),
        }
    }
}
