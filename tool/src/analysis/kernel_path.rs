//! Which pairs of endpoints the kernel can connect without a bounce through the process.

use crate::model::EndpointKind;

/// The calls that would have moved the bytes inside the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KernelPath {
    /// `copy_file_range`, which may even share extents; `sendfile` where the file systems differ
    /// and the kernel is older than 5.19.
    CopyFileRange,
    /// `sendfile`
    Sendfile,
    /// `splice`: one end is a pipe already.
    Splice,
    /// Two calls of `splice` with a pipe of the process between them.
    SpliceThroughPipe,
}

impl KernelPath {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CopyFileRange => "copy_file_range",
            Self::Sendfile => "sendfile",
            Self::Splice => "splice",
            Self::SpliceThroughPipe => "splice_through_pipe",
        }
    }

    /// The calls, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CopyFileRange => "copy_file_range or sendfile",
            Self::Sendfile => "sendfile",
            Self::Splice => "splice",
            Self::SpliceThroughPipe => "splice through a pipe",
        }
    }
}

/// Why the kernel cannot connect two endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoPath {
    /// A write to the socket is a message; the kernel calls move a stream and would put the
    /// boundaries elsewhere. Sockets of this kind have no splice read either.
    MessageBoundaries,
    /// `AF_VSOCK` has no splice read. As a sink it takes spliced pages.
    NoSpliceRead,
    /// Sockets of other families: most have neither direction, and the kind does not say which.
    SocketFamily,
    /// Some can be spliced (`/dev/null`, `/dev/zero`), terminals and most drivers cannot or copy
    /// all the same.
    CharacterDevice,
    /// eventfd, timerfd and the like.
    NoByteStream,
    /// One end is the process itself: there is nothing to connect.
    Process,
    /// The descriptor was gone.
    UnknownEnd,
}

impl NoPath {
    /// All reasons.
    pub const ALL: &'static [Self] = &[
        Self::MessageBoundaries,
        Self::NoSpliceRead,
        Self::SocketFamily,
        Self::CharacterDevice,
        Self::NoByteStream,
        Self::Process,
        Self::UnknownEnd,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageBoundaries => "message_boundaries",
            Self::NoSpliceRead => "no_splice_read",
            Self::SocketFamily => "socket_family",
            Self::CharacterDevice => "character_device",
            Self::NoByteStream => "no_byte_stream",
            Self::Process => "process",
            Self::UnknownEnd => "unknown_end",
        }
    }

    /// The reason in a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::MessageBoundaries => "message boundaries",
            Self::NoSpliceRead => "vsock has no splice read",
            Self::SocketFamily => "depends on the socket's family",
            Self::CharacterDevice => "character device",
            Self::NoByteStream => "not a byte stream",
            Self::Process => "one end is the process itself",
            Self::UnknownEnd => "one end is unknown",
        }
    }

    /// What keeps every path from a kind of endpoint away, whatever the other end is.
    const fn at(kind: EndpointKind) -> Option<Self> {
        use EndpointKind as Kind;
        match kind {
            Kind::File | Kind::Block | Kind::Tcp | Kind::Unix | Kind::Vsock | Kind::Pipe => None,
            Kind::Udp | Kind::UnixDatagram => Some(Self::MessageBoundaries),
            Kind::Socket => Some(Self::SocketFamily),
            Kind::Char => Some(Self::CharacterDevice),
            Kind::Other => Some(Self::NoByteStream),
            Kind::None | Kind::Memory | Kind::GiftedMemory => Some(Self::Process),
            Kind::Unknown => Some(Self::UnknownEnd),
        }
    }
}

/// The calls that move bytes from `source` to `sink` without a bounce, or why there are none.
///
/// The answer is about kinds only. One file or one option may still refuse (`O_APPEND` on the
/// sink of a splice, a file system without splice reads): that shows as errors of the call.
///
/// # Errors
///
/// Why the kernel has no path between the two.
pub(super) const fn kernel_path(
    source: EndpointKind,
    sink: EndpointKind,
) -> Result<KernelPath, NoPath> {
    use EndpointKind::{Block, File, Pipe, Tcp, Unix};
    if let Some(reason) = NoPath::at(source) {
        return Err(reason);
    }
    if let Some(reason) = NoPath::at(sink) {
        return Err(reason);
    }
    match (source, sink) {
        // `copy_file_range` wants regular files at both ends.
        (File, File) => Ok(KernelPath::CopyFileRange),
        // One end is a pipe: a single `splice` does it.
        (File | Block | Tcp | Unix, Pipe) | (Pipe, _) => Ok(KernelPath::Splice),
        // `sendfile` wants a source in the page cache; the sink may be anything that takes pages.
        (File | Block, _) => Ok(KernelPath::Sendfile),
        // Stream sockets can be spliced from, but only into a pipe.
        (Tcp | Unix, _) => Ok(KernelPath::SpliceThroughPipe),
        _ => Err(NoPath::NoSpliceRead),
    }
}
