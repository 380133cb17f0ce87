//! The system calls that are accounted.

use crate::decode::tagged;

tagged! {
    /// A system call of the accounted family, independent of the architecture's numbers.
    Call("system call") {
        /// `sendfile` (`sendfile64` in the kernel).
        Sendfile = 1 => "sendfile",
        /// `splice`
        Splice = 2 => "splice",
        /// `tee`
        Tee = 3 => "tee",
        /// `vmsplice`
        Vmsplice = 4 => "vmsplice",
        /// `copy_file_range`
        CopyFileRange = 5 => "copy_file_range",
        /// `read`
        Read = 6 => "read",
        /// `pread64`
        Pread = 7 => "pread64",
        /// `readv`
        Readv = 8 => "readv",
        /// `preadv`
        Preadv = 9 => "preadv",
        /// `preadv2`
        Preadv2 = 10 => "preadv2",
        /// `recvfrom`, which libc's `recv` becomes.
        Recvfrom = 11 => "recvfrom",
        /// `recvmsg`
        Recvmsg = 12 => "recvmsg",
        /// `recvmmsg`
        Recvmmsg = 13 => "recvmmsg",
        /// `write`
        Write = 14 => "write",
        /// `pwrite64`
        Pwrite = 15 => "pwrite64",
        /// `writev`
        Writev = 16 => "writev",
        /// `pwritev`
        Pwritev = 17 => "pwritev",
        /// `pwritev2`
        Pwritev2 = 18 => "pwritev2",
        /// `sendto`, which libc's `send` becomes.
        Sendto = 19 => "sendto",
        /// `sendmsg`
        Sendmsg = 20 => "sendmsg",
        /// `sendmmsg`
        Sendmmsg = 21 => "sendmmsg",
    }
}

/// What a call does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallGroup {
    /// Moves bytes between two descriptors inside the kernel, or between memory and a pipe by
    /// reference.
    ZeroCopy,
    /// Copies bytes into the process.
    Ingest,
    /// Copies bytes out of the process.
    Egress,
}

impl Call {
    /// What the call does with bytes.
    #[must_use]
    pub const fn group(self) -> CallGroup {
        match self {
            Self::Sendfile | Self::Splice | Self::Tee | Self::Vmsplice | Self::CopyFileRange => {
                CallGroup::ZeroCopy
            }
            Self::Read
            | Self::Pread
            | Self::Readv
            | Self::Preadv
            | Self::Preadv2
            | Self::Recvfrom
            | Self::Recvmsg
            | Self::Recvmmsg => CallGroup::Ingest,
            Self::Write
            | Self::Pwrite
            | Self::Writev
            | Self::Pwritev
            | Self::Pwritev2
            | Self::Sendto
            | Self::Sendmsg
            | Self::Sendmmsg => CallGroup::Egress,
        }
    }

    /// The call's exit tracepoint in the `syscalls` category.
    #[must_use]
    pub const fn exit_tracepoint(self) -> &'static str {
        match self {
            Self::Sendfile => "sys_exit_sendfile64",
            Self::Splice => "sys_exit_splice",
            Self::Tee => "sys_exit_tee",
            Self::Vmsplice => "sys_exit_vmsplice",
            Self::CopyFileRange => "sys_exit_copy_file_range",
            Self::Read => "sys_exit_read",
            Self::Pread => "sys_exit_pread64",
            Self::Readv => "sys_exit_readv",
            Self::Preadv => "sys_exit_preadv",
            Self::Preadv2 => "sys_exit_preadv2",
            Self::Recvfrom => "sys_exit_recvfrom",
            Self::Recvmsg => "sys_exit_recvmsg",
            Self::Recvmmsg => "sys_exit_recvmmsg",
            Self::Write => "sys_exit_write",
            Self::Pwrite => "sys_exit_pwrite64",
            Self::Writev => "sys_exit_writev",
            Self::Pwritev => "sys_exit_pwritev",
            Self::Pwritev2 => "sys_exit_pwritev2",
            Self::Sendto => "sys_exit_sendto",
            Self::Sendmsg => "sys_exit_sendmsg",
            Self::Sendmmsg => "sys_exit_sendmmsg",
        }
    }
}
