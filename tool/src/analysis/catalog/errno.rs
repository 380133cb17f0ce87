//! Errors by their names.

use nix::errno::Errno;
use serde::Deserialize;

/// The largest errno that user space sees (include/uapi/asm-generic/errno.h, 6.18).
const LAST: u16 = 133;

/// An errno that is written as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ErrnoWord(pub(super) u16);

impl TryFrom<String> for ErrnoWord {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        (1..=LAST)
            .find(|&errno| name(errno) == text)
            .map(Self)
            .ok_or_else(|| format!("there is no errno `{text}`; write it like EINVAL"))
    }
}

/// The name of an errno.
pub(super) fn name(errno: u16) -> String {
    format!("{:?}", Errno::from_raw(i32::from(errno)))
}
