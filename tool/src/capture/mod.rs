//! Sources of snapshots: live from the kernel.

mod command;
mod harvest;
mod live;
mod names;
mod observe;
mod profile;
mod settings;
mod target;

pub use harvest::Harvesting;
pub use live::{live, live_harvesting, observed};
#[cfg(any(test, fuzzing))]
pub(crate) use names::named;
pub use observe::{Observation, Observer};
pub use settings::{EngineChoice, Profiling, Settings, Target};

use crate::host::cgroups::CgroupError;
use crate::probe::ProbeError;

/// Why a capture could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no process with this pid.
    #[error("there is no process {0}")]
    NoProcess(u32),
    /// The number is that of a thread.
    #[error("{thread} is a thread of process {process}; give the process: -p {process}")]
    IsThread {
        /// The number given.
        thread: u32,
        /// The process that it belongs to.
        process: u32,
    },
    /// The process is this one.
    #[error("{0} is copytax itself, which is never counted")]
    IsSelf(u32),
    /// The process makes no calls any more.
    #[error("process {0} has ended, and only waits for its parent to take notice (a zombie)")]
    IsZombie(u32),
    /// The process has no userspace.
    #[error("{0} is a kernel thread, which makes no system calls")]
    IsKernelThread(u32),
    /// Without /proc no process can be told from another.
    #[error("no processes are seen: mount /proc (`mount -t proc proc /proc`)")]
    NoProc,
    /// All target processes died before anything was attached.
    #[error("process {0} ended while copytax was attaching")]
    DiedWhileAttaching(u32),
    /// It was asked to end before it had begun to count.
    #[error("stopped before anything was counted")]
    Stopped,
    /// Pids of another pid namespace mean other processes.
    #[error(
        "process ids do not mean the same here as in the kernel: copytax runs in a pid namespace \
         of its own; run it in the host's (docker: --pid=host) or watch the whole machine"
    )]
    PidNamespace,
    /// A cgroup or container that is none.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// The command could not be started.
    #[error("cannot start `{command}`: {cause}")]
    Command {
        /// The program.
        command: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A part of the capture ended unexpectedly.
    #[error("attaching ended unexpectedly: {0}")]
    Broken(String),
    /// Samples could not be read.
    #[error("samples cannot be read: {0}")]
    Samples(#[from] std::io::Error),
    /// The kernel half could not be loaded, attached or read.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}
