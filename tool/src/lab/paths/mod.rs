//! The paths that the lab measures.

mod calls;
mod courier;
mod files;
mod lend;
mod memory;
mod mover;
mod pipes;
mod ring;
mod tls;

use std::fmt;

use super::transports::Transport;

pub(super) use calls::Calls;
pub(super) use courier::Courier;
pub(super) use mover::unavailable;

/// What is moved where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    /// A file to a socket.
    Send,
    /// One socket to another, as a proxy does.
    Relay,
    /// A file to a file.
    Copy,
}

/// By which calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// `read` into a buffer of so many bytes, and `write`.
    ReadWrite { buffer: usize },
    /// The same, and `send` with `MSG_MORE`, but for the last.
    ReadSendMore { buffer: usize },
    /// `sendfile`, as much as there is in one call.
    Sendfile,
    /// `splice` into a pipe that holds so many bytes, and from there on; with `SPLICE_F_MORE`, but for
    /// the last, or without.
    Splice { pipe: usize, more: bool },
    /// `splice` into a pipe, `tee` into another one, and `splice` from there to two readers.
    Tee,
    /// `mmap` for each transfer, and `write` of all of it.
    MmapWrite,
    /// `write` of memory.
    Write,
    /// `vmsplice` of memory into a pipe, as a gift or not, and `splice` from there on.
    Vmsplice { gift: bool },
    /// `send` with `MSG_ZEROCOPY` of memory, and its completions from the error queue.
    ZeroCopySend,
    /// `IORING_OP_READ` and `IORING_OP_SEND`, linked.
    UringReadSend,
    /// `IORING_OP_SPLICE` into a pipe and from there on, linked.
    UringSplice,
    /// `IORING_OP_SEND_ZC` of memory, from buffers that are registered or not.
    UringSendZc { fixed: bool },
    /// `read`, records of TLS by rustls, and `writev`.
    UserTls,
    /// `sendfile` to a socket for which the kernel makes records of TLS.
    KernelTls,
    /// `copy_file_range`
    CopyFileRange,
    /// `ioctl(FICLONE)`
    Reflink,
}

impl Method {
    /// Whether it goes by the position of its file, which is to be at the beginning then.
    const fn needs_position(self) -> bool {
        matches!(
            self,
            Self::ReadWrite { .. }
                | Self::ReadSendMore { .. }
                | Self::Sendfile
                | Self::Splice { .. }
                | Self::Tee
                | Self::UserTls
                | Self::KernelTls
                | Self::CopyFileRange
        )
    }

    /// Whether threads of the kernel work for the one that moves the bytes: io_uring has splices done by
    /// its workers, always (`io_splice_prep`, `io_uring/splice.c`, 6.18), and others where they wait.
    pub(super) const fn has_workers(self) -> bool {
        matches!(
            self,
            Self::UringReadSend | Self::UringSplice | Self::UringSendZc { .. }
        )
    }
}

/// A way to move bytes, with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    name: &'static str,
    pub(super) job: Job,
    pub(super) method: Method,
}

/// What a pipe holds where nobody asks for more: 16 pages (pipe(7)).
pub(super) const PIPE: usize = 64 << 10;
/// What a pipe may hold without privileges: `fs.pipe-max-size` (pipe(7)).
const LARGE_PIPE: usize = 1 << 20;

impl Path {
    /// Every path, those that are compared with each other together.
    pub const ALL: [Self; 27] = [
        Self::send("read+write-4k", Method::ReadWrite { buffer: 4 << 10 }),
        Self::send("read+write-16k", Method::ReadWrite { buffer: 16 << 10 }),
        Self::send("read+write-64k", Method::ReadWrite { buffer: 64 << 10 }),
        Self::send("read+write-1m", Method::ReadWrite { buffer: 1 << 20 }),
        Self::send("read+more-4k", Method::ReadSendMore { buffer: 4 << 10 }),
        Self::send("uring-read+send", Method::UringReadSend),
        Self::send("sendfile", Method::Sendfile),
        Self::send("splice", splice(PIPE, false)),
        Self::send("splice-more", splice(PIPE, true)),
        Self::send("splice-1m", splice(LARGE_PIPE, false)),
        Self::send("uring-splice", Method::UringSplice),
        Self::send("tee", Method::Tee),
        Self::send("mmap+write", Method::MmapWrite),
        Self::send("write", Method::Write),
        Self::send("vmsplice", Method::Vmsplice { gift: false }),
        Self::send("vmsplice-gift", Method::Vmsplice { gift: true }),
        Self::send("zerocopy", Method::ZeroCopySend),
        Self::send("uring-send-zc", Method::UringSendZc { fixed: false }),
        Self::send("uring-send-zcf", Method::UringSendZc { fixed: true }),
        Self::send("tls-rustls", Method::UserTls),
        Self::send("tls-sendfile", Method::KernelTls),
        Self::relay("proxy-read+write", Method::ReadWrite { buffer: 64 << 10 }),
        Self::relay("proxy-splice", splice(PIPE, false)),
        Self::relay("proxy-splice-1m", splice(LARGE_PIPE, false)),
        Self::copy("copy-read+write", Method::ReadWrite { buffer: 64 << 10 }),
        Self::copy("copy-file-range", Method::CopyFileRange),
        Self::copy("copy-reflink", Method::Reflink),
    ];

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|path| path.name == name)
    }

    /// What options and reports call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Whether bytes can move this way over `transport`.
    #[must_use]
    pub fn fits(self, transport: Transport) -> bool {
        match (self.job, transport) {
            (Job::Copy, transport) => transport == Transport::File,
            (_, Transport::File) => false,
            // SO_ZEROCOPY is for internet sockets (sk_setsockopt, net/core/sock.c, 6.18), SEND_ZC for those
            // that can do the same (io_send_zc, io_uring/net.c), and kernel TLS for TCP.
            (_, Transport::Unix) => !matches!(
                self.method,
                Method::ZeroCopySend | Method::UringSendZc { .. } | Method::KernelTls
            ),
            (_, Transport::Tcp | Transport::Veth) => true,
        }
    }

    /// Whether what arrives is records of TLS.
    pub(super) const fn makes_records(self) -> bool {
        matches!(self.method, Method::UserTls | Method::KernelTls)
    }

    /// Whether the same bytes go to two sockets.
    pub(super) const fn has_two_readers(self) -> bool {
        matches!(self.method, Method::Tee)
    }

    /// Whether a file is read by calls: what is mapped or lent is in memory.
    pub(super) const fn reads_a_file(self) -> bool {
        matches!(self.job, Job::Send | Job::Copy)
            && (self.method.needs_position()
                || matches!(self.method, Method::UringReadSend | Method::UringSplice))
    }

    const fn send(name: &'static str, method: Method) -> Self {
        Self {
            name,
            job: Job::Send,
            method,
        }
    }

    const fn relay(name: &'static str, method: Method) -> Self {
        Self {
            name,
            job: Job::Relay,
            method,
        }
    }

    const fn copy(name: &'static str, method: Method) -> Self {
        Self {
            name,
            job: Job::Copy,
            method,
        }
    }
}

const fn splice(pipe: usize, more: bool) -> Method {
    Method::Splice { pipe, more }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_path_has_a_transport() {
        for path in Path::ALL {
            assert_eq!(Path::named(path.name()), Some(path));
            assert!(Transport::ALL.into_iter().any(|way| path.fits(way)));
        }
        assert_eq!(Path::named("teleport"), None);
    }
}
