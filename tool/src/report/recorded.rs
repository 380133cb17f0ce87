//! A recording as reports of several are told of it.

use std::time::Duration;

use crate::model::{Audit, Profile};

/// A recording that was read.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// The file, as it was given. Untrusted.
    pub file: &'a str,
    /// Its audit, with findings.
    pub audit: &'a Audit,
    /// What was sampled.
    pub profile: &'a Profile,
    /// What is wrong with the file, where something is: numbers may be wrong then.
    pub damage: Option<&'a str>,
}

/// Whole nanoseconds; 584 years at most.
pub(super) fn whole_nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
