//! What was written over time.

use std::time::Duration;

use crate::model::ByteClasses;

/// What all processes wrote in a short time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// How long it is.
    pub length: Duration,
    /// What was written in it. Recordings do not tell `kernel_copied` apart over time: there it is 0.
    pub bytes: ByteClasses,
}
