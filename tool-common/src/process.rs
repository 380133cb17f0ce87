//! What the kernel half remembers of a process, so that one that is gone can still be named.

use crate::{Abi, ProcessKey};

/// `TASK_COMM_LEN`
pub const COMM_LEN: usize = 16;
/// Bytes kept of the file name given to `execve`.
pub const FILENAME_LEN: usize = 128;
/// Bytes kept of the argument block.
pub const CMDLINE_LEN: usize = 256;

/// The process called `execve` while watched: `filename` is set.
pub const PROCESS_EXECED: u32 = 1;
/// The last thread of the process has exited.
pub const PROCESS_EXITED: u32 = 2;

/// Facts of one process. All strings are untrusted bytes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessRecord {
    /// The process that forked it, all 0 where it was not seen.
    pub parent: ProcessKey,
    /// Id of its cgroup in the unified hierarchy.
    pub cgroup_id: u64,
    /// [`PROCESS_EXECED`], [`PROCESS_EXITED`]
    pub flags: u32,
    /// Bytes of `cmdline` that are set.
    pub cmdline_len: u32,
    /// Command name, NUL-padded.
    pub comm: [u8; COMM_LEN],
    /// File name given to `execve`, NUL-terminated or cut.
    pub filename: [u8; FILENAME_LEN],
    /// Arguments, separated by NUL.
    pub cmdline: [u8; CMDLINE_LEN],
}

const _: () = assert!(
    size_of::<ProcessRecord>() == 16 + 8 + 4 + 4 + COMM_LEN + FILENAME_LEN + CMDLINE_LEN
        && align_of::<ProcessRecord>() == 8
);

// SAFETY: repr(C), integers only, the size above equals the sum of the fields.
unsafe impl Abi for ProcessRecord {}
