//! The paths that the lab measures.

mod calls;
mod courier;
mod lend;

use std::fmt;

use super::transports::Transport;

pub(super) use calls::Calls;
pub(super) use courier::Courier;

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
    /// `sendfile`, as much as there is in one call.
    Sendfile,
    /// `splice` into a pipe that holds so many bytes, and from there on.
    Splice { pipe: usize },
    /// `mmap` for each transfer, and `write` of all of it.
    MmapWrite,
    /// `vmsplice` of memory into a pipe, and `splice` from there on.
    Vmsplice,
    /// `send` with `MSG_ZEROCOPY` of memory, and its completions from the error queue.
    ZeroCopySend,
    /// `copy_file_range`
    CopyFileRange,
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
    pub const ALL: [Self; 15] = [
        Self::send("read+write-4k", Method::ReadWrite { buffer: 4 << 10 }),
        Self::send("read+write-16k", Method::ReadWrite { buffer: 16 << 10 }),
        Self::send("read+write-64k", Method::ReadWrite { buffer: 64 << 10 }),
        Self::send("read+write-1m", Method::ReadWrite { buffer: 1 << 20 }),
        Self::send("sendfile", Method::Sendfile),
        Self::send("splice", Method::Splice { pipe: PIPE }),
        Self::send("splice-1m", Method::Splice { pipe: LARGE_PIPE }),
        Self::send("mmap+write", Method::MmapWrite),
        Self::send("vmsplice", Method::Vmsplice),
        Self::send("zerocopy", Method::ZeroCopySend),
        Self::relay("proxy-read+write", Method::ReadWrite { buffer: 64 << 10 }),
        Self::relay("proxy-splice", Method::Splice { pipe: PIPE }),
        Self::relay("proxy-splice-1m", Method::Splice { pipe: LARGE_PIPE }),
        Self::copy("copy-read+write", Method::ReadWrite { buffer: 64 << 10 }),
        Self::copy("copy-file-range", Method::CopyFileRange),
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
            // SO_ZEROCOPY is for internet sockets (sk_setsockopt, net/core/sock.c, 6.18).
            (_, Transport::Unix) => self.method != Method::ZeroCopySend,
            (_, Transport::Tcp) => true,
        }
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
