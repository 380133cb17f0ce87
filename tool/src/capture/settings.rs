//! What to watch, for how long, and how.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The processes to account for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The whole machine, the tool left out.
    All,
    /// These processes.
    Pids {
        /// Process ids.
        pids: Vec<u32>,
        /// Children join, too.
        follow: bool,
    },
    /// Processes whose leader has this command name.
    Comm(String),
    /// Processes of this cgroup (path in the unified hierarchy) and below.
    Cgroup(PathBuf),
    /// Processes of the container with this id, or a prefix of it.
    Container(String),
    /// A command that is started stopped, attached to, then run; children join.
    Command(Vec<OsString>),
}

/// Which engine to attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// Raw, and the tracepoints where raw is refused.
    Auto,
    /// The BTF-typed raw tracepoint only.
    Raw,
    /// The per-call exit tracepoints only.
    Tracepoint,
}

/// Settings of one live capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What to watch.
    pub target: Target,
    /// How long, `None` until stopped (or until the command has ended).
    pub duration: Option<Duration>,
    /// How.
    pub engine: EngineChoice,
    /// Which stacks are sampled, `None` for none.
    pub profiling: Option<Profiling>,
}

/// How stacks are sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profiling {
    /// Mean number of bytes between those whose call site is looked at, in the beginning.
    pub interval: u64,
    /// Call sites that are looked at in a second, on each CPU and of each kind of bytes; beyond, the
    /// interval is widened.
    pub samples_per_second: u32,
    /// Whether CPU time is sampled, too.
    pub cpu: bool,
    /// Whether call sites have the kernel's part of their stacks.
    pub kernel_stacks: bool,
}

impl Default for Profiling {
    fn default() -> Self {
        Self {
            interval: 256 << 10,
            samples_per_second: 100,
            cpu: true,
            kernel_stacks: false,
        }
    }
}
