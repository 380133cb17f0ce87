//! The calls that are accounted: system calls, and operations of io_uring.

use crate::decode::tagged;

tagged! {
    /// A call of the accounted family, independent of the architecture's numbers.
    Call("call") {
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
        /// `IORING_OP_SPLICE`
        UringSplice = 6 => "io_uring_splice",
        /// `IORING_OP_TEE`
        UringTee = 7 => "io_uring_tee",
        /// `read`
        Read = 8 => "read",
        /// `pread64`
        Pread = 9 => "pread64",
        /// `readv`
        Readv = 10 => "readv",
        /// `preadv`
        Preadv = 11 => "preadv",
        /// `preadv2`
        Preadv2 = 12 => "preadv2",
        /// `recvfrom`, which libc's `recv` becomes.
        Recvfrom = 13 => "recvfrom",
        /// `recvmsg`
        Recvmsg = 14 => "recvmsg",
        /// `recvmmsg`
        Recvmmsg = 15 => "recvmmsg",
        /// `IORING_OP_READ` and `IORING_OP_READ_MULTISHOT`
        UringRead = 16 => "io_uring_read",
        /// `IORING_OP_READV`
        UringReadv = 17 => "io_uring_readv",
        /// `IORING_OP_READ_FIXED` and `IORING_OP_READV_FIXED`
        UringReadFixed = 18 => "io_uring_read_fixed",
        /// `IORING_OP_RECV`
        UringRecv = 19 => "io_uring_recv",
        /// `IORING_OP_RECVMSG`
        UringRecvmsg = 20 => "io_uring_recvmsg",
        /// `write`
        Write = 21 => "write",
        /// `pwrite64`
        Pwrite = 22 => "pwrite64",
        /// `writev`
        Writev = 23 => "writev",
        /// `pwritev`
        Pwritev = 24 => "pwritev",
        /// `pwritev2`
        Pwritev2 = 25 => "pwritev2",
        /// `sendto`, which libc's `send` becomes.
        Sendto = 26 => "sendto",
        /// `sendmsg`
        Sendmsg = 27 => "sendmsg",
        /// `sendmmsg`
        Sendmmsg = 28 => "sendmmsg",
        /// `IORING_OP_WRITE`
        UringWrite = 29 => "io_uring_write",
        /// `IORING_OP_WRITEV`
        UringWritev = 30 => "io_uring_writev",
        /// `IORING_OP_WRITE_FIXED` and `IORING_OP_WRITEV_FIXED`
        UringWriteFixed = 31 => "io_uring_write_fixed",
        /// `IORING_OP_SEND`
        UringSend = 32 => "io_uring_send",
        /// `IORING_OP_SENDMSG`
        UringSendmsg = 33 => "io_uring_sendmsg",
        /// `IORING_OP_SEND_ZC`
        UringSendZc = 34 => "io_uring_send_zc",
        /// `IORING_OP_SENDMSG_ZC`
        UringSendmsgZc = 35 => "io_uring_sendmsg_zc",
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
    /// Brings bytes out of the process.
    Egress,
}

impl Call {
    /// What the call does with bytes.
    #[must_use]
    pub const fn group(self) -> CallGroup {
        match self {
            Self::Sendfile
            | Self::Splice
            | Self::Tee
            | Self::Vmsplice
            | Self::CopyFileRange
            | Self::UringSplice
            | Self::UringTee => CallGroup::ZeroCopy,
            Self::Read
            | Self::Pread
            | Self::Readv
            | Self::Preadv
            | Self::Preadv2
            | Self::Recvfrom
            | Self::Recvmsg
            | Self::Recvmmsg
            | Self::UringRead
            | Self::UringReadv
            | Self::UringReadFixed
            | Self::UringRecv
            | Self::UringRecvmsg => CallGroup::Ingest,
            Self::Write
            | Self::Pwrite
            | Self::Writev
            | Self::Pwritev
            | Self::Pwritev2
            | Self::Sendto
            | Self::Sendmsg
            | Self::Sendmmsg
            | Self::UringWrite
            | Self::UringWritev
            | Self::UringWriteFixed
            | Self::UringSend
            | Self::UringSendmsg
            | Self::UringSendZc
            | Self::UringSendmsgZc => CallGroup::Egress,
        }
    }

    /// Whether the call is an operation of io_uring, not a system call.
    #[must_use]
    pub const fn is_io_uring(self) -> bool {
        self.exit_tracepoint().is_none()
    }

    /// The call's exit tracepoint in the `syscalls` category; operations of io_uring have none.
    #[must_use]
    pub const fn exit_tracepoint(self) -> Option<&'static str> {
        Some(match self {
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
            Self::UringSplice
            | Self::UringTee
            | Self::UringRead
            | Self::UringReadv
            | Self::UringReadFixed
            | Self::UringRecv
            | Self::UringRecvmsg
            | Self::UringWrite
            | Self::UringWritev
            | Self::UringWriteFixed
            | Self::UringSend
            | Self::UringSendmsg
            | Self::UringSendZc
            | Self::UringSendmsgZc => return None,
        })
    }
}
