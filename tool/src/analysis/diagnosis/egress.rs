//! What findings are shares of.

use crate::model::ByteClasses;

/// All bytes that a process wrote. Those that wait in pipes are left out: they count when they are
/// delivered.
#[must_use]
pub fn egress(bytes: &ByteClasses) -> u64 {
    bytes.written().saturating_sub(bytes.staged)
}

/// `bytes` / `whole`, at most 1; `None` where the whole is 0.
#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio; 53 bits of it are plenty"
)]
pub(crate) fn share(bytes: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (bytes as f64 / whole as f64).min(1.0))
}
