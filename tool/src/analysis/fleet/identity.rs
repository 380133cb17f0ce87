//! A name for a recording that tells it from all others.

use std::fmt::Write as _;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::model::Audit;

/// Bytes of the hash that a name has.
const BYTES: usize = 8;

/// Hexadecimal digits of a hash of what a recording says of its machine and of its begin: the same
/// whenever and however it is read.
#[must_use]
pub fn recording_id(audit: &Audit) -> String {
    let window = &audit.window;
    let begin = window.start.duration_since(SystemTime::UNIX_EPOCH);
    let mut hash = Sha256::new();
    for text in [&audit.host.hostname, &audit.host.kernel] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(begin.unwrap_or_default().as_nanos().to_le_bytes());
    hash.update(window.start_ns.to_le_bytes());
    let mut id = String::with_capacity(2 * BYTES);
    for byte in hash.finalize().iter().take(BYTES) {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}
