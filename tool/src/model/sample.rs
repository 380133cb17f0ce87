//! Samples as they come from the kernel: one stack each, nothing named yet.

use std::net::SocketAddr;

use copytax_common::{Call, Class, EndpointKind, SampleKind, Sharing};

use crate::model::ProcessId;

/// One sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawSample {
    /// What it tells.
    pub kind: SampleKind,
    /// Who.
    pub process: ProcessId,
    /// Thread id in the initial pid namespace.
    pub thread: u32,
    /// When, nanoseconds since boot.
    pub time_ns: u64,
    /// Joins a read ([`SampleKind::Read`]) and the write of its byte ([`SampleKind::Bounce`]); else 0. Of
    /// a read it is the first of [`Self::stands_for`] ids.
    pub id: u64,
    /// By which call; `None` of the CPU.
    pub call: Option<Call>,
    /// Where the byte came from.
    pub source: EndpointKind,
    /// Where it went.
    pub sink: EndpointKind,
    /// What happened to it; `None` where that is not known yet.
    pub class: Option<Class>,
    /// Whether the kernel shared or copied it.
    pub sharing: Sharing,
    /// Chosen bytes that it stands for. Of a read: all of the call's. Else, where there was room for one
    /// only, that was kept by lot.
    pub stands_for: u32,
    /// Bytes of the run that the chosen byte is one of.
    pub bytes: u64,
    /// Bytes of it that were written with the chosen one.
    pub spent: u64,
    /// Bytes that the call moved in all, 0 where that was not known.
    pub call_bytes: u64,
    /// Mean number of bytes between chosen ones; of the CPU nanoseconds between ticks.
    pub interval: u64,
    /// Bytes of the transfer so far.
    pub transfer: Option<u64>,
    /// Number of the system call in progress; of the CPU only.
    pub syscall: Option<u32>,
    /// The source as an open file.
    pub source_file: Option<OpenFile>,
    /// The sink as an open file.
    pub sink_file: Option<OpenFile>,
    /// The user stack; `None` where the thread has none.
    pub user: Option<UserStack>,
    /// Addresses of the kernel stack, innermost first.
    pub kernel: Vec<u64>,
}

/// The user stack of a thread, not unwound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserStack {
    /// Registers of the thread in user mode.
    pub instruction_pointer: u64,
    /// As above.
    pub stack_pointer: u64,
    /// As above.
    pub frame_pointer: u64,
    /// What a walk by frame pointers found, innermost first: the instruction pointer, then return
    /// addresses. Wrong where code does not keep frame pointers.
    pub by_frame_pointers: Vec<u64>,
    /// Memory from `stack_pointer` on.
    pub memory: Vec<u8>,
    /// Whether the stack goes on behind `memory`.
    pub is_cut: bool,
}

/// An open file as the kernel knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenFile {
    /// Inode number.
    pub inode: u64,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// Id of the mount that it was opened in, as in `/proc/PID/mountinfo`.
    pub mount: Option<u32>,
    /// Names from the root of its mount to the file, bytes as they are; empty where it has no path.
    pub names: Vec<Vec<u8>>,
    /// Whether there are more names in front of those.
    pub is_cut: bool,
    /// Own address of an internet socket.
    pub local: Option<SocketAddr>,
    /// The peer's address.
    pub peer: Option<SocketAddr>,
}
