//! What was pushed to other servers.

/// How often something was pushed to a server, and how often that has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushes {
    /// What: its name in metrics.
    pub what: &'static str,
    /// Pushes that the server took.
    pub sent: u64,
    /// Pushes that have failed.
    pub failed: u64,
}
