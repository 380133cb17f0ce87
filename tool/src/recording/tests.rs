//! Recordings of made-up snapshots.

mod damaged;
mod replay;
mod size;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::fixture::{FILE_TO_TCP, OPTIONS, after, record, recorded, sampled};
use super::*;
use crate::analysis::fixture::{flow, process, profile, snapshot};
use crate::model::{
    Call, Class, CommandOutcome, EndpointKind, Estimate, Libc, Runtime, RuntimeEvidence,
    RuntimeName, Snapshot,
};

/// A folder that is removed at the end, and a name in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.ctx");
    (folder, path)
}
