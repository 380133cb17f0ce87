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
    /// The calls, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CopyFileRange => "copy_file_range or sendfile",
            Self::Sendfile => "sendfile",
            Self::Splice => "splice",
            Self::SpliceThroughPipe => "splice through a pipe",
        }
    }
}

/// The calls that move bytes from `source` to `sink` without a bounce, `None` where there are
/// none.
///
/// The answer is about kinds only. One file or one option may still refuse (`O_APPEND` on the
/// sink of a splice, a file system without splice reads): that shows as errors of the call.
///
/// | source \ sink | file | block | tcp, unix, vsock | pipe | everything else |
/// | --- | --- | --- | --- | --- | --- |
/// | file | `copy_file_range` | `sendfile` | `sendfile` | `splice` | none |
/// | block | `sendfile` | `sendfile` | `sendfile` | `splice` | none |
/// | tcp, unix | `splice` twice | `splice` twice | `splice` twice | `splice` | none |
/// | pipe | `splice` | `splice` | `splice` | `splice` | none |
/// | everything else | none | none | none | none | none |
///
/// Why the rest has none:
/// - udp and `unix_datagram`, both ways: a write is a message. The kernel calls move a stream and
///   would put the boundaries elsewhere; sockets of this kind have no splice read either.
/// - vsock as a source: `AF_VSOCK` has no splice read. As a sink it takes spliced pages.
/// - sockets of other families: most have neither direction, and the kind does not say which.
/// - character devices: some can be spliced (`/dev/null`, `/dev/zero`), terminals and most drivers
///   cannot or copy all the same.
/// - everything that is no byte stream (eventfd, timerfd, ...), memory and unknown endpoints.
#[must_use]
pub const fn kernel_path(source: EndpointKind, sink: EndpointKind) -> Option<KernelPath> {
    use EndpointKind::{Block, File, Pipe, Tcp, Unix, Vsock};
    match (source, sink) {
        // `copy_file_range` wants regular files at both ends.
        (File, File) => Some(KernelPath::CopyFileRange),
        // `sendfile` wants a source in the page cache; the sink may be anything that takes pages.
        (File, Block | Tcp | Unix | Vsock) | (Block, File | Block | Tcp | Unix | Vsock) => {
            Some(KernelPath::Sendfile)
        }
        // One end is a pipe: a single `splice` does it.
        (File | Block | Tcp | Unix, Pipe) | (Pipe, File | Block | Tcp | Unix | Vsock | Pipe) => {
            Some(KernelPath::Splice)
        }
        // Stream sockets can be spliced from, but only into a pipe.
        (Tcp | Unix, File | Block | Tcp | Unix | Vsock) => Some(KernelPath::SpliceThroughPipe),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{KernelPath, kernel_path};
    use crate::model::EndpointKind;
    use expect_test::expect;

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for &source in EndpointKind::ALL {
            for &sink in EndpointKind::ALL {
                if let Some(path) = kernel_path(source, sink) {
                    table += &format!("{} -> {}: {}\n", source.name(), sink.name(), path.name());
                }
            }
        }
        expect![[r#"
            file -> file: copy_file_range or sendfile
            file -> tcp: sendfile
            file -> unix: sendfile
            file -> vsock: sendfile
            file -> pipe: splice
            file -> block: sendfile
            tcp -> file: splice through a pipe
            tcp -> tcp: splice through a pipe
            tcp -> unix: splice through a pipe
            tcp -> vsock: splice through a pipe
            tcp -> pipe: splice
            tcp -> block: splice through a pipe
            unix -> file: splice through a pipe
            unix -> tcp: splice through a pipe
            unix -> unix: splice through a pipe
            unix -> vsock: splice through a pipe
            unix -> pipe: splice
            unix -> block: splice through a pipe
            pipe -> file: splice
            pipe -> tcp: splice
            pipe -> unix: splice
            pipe -> vsock: splice
            pipe -> pipe: splice
            pipe -> block: splice
            block -> file: sendfile
            block -> tcp: sendfile
            block -> unix: sendfile
            block -> vsock: sendfile
            block -> pipe: splice
            block -> block: sendfile
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn message_boundaries_and_unknown_ends_have_no_path() {
        use EndpointKind::{Char, None, Other, Socket, Udp, UnixDatagram, Unknown, Vsock};
        for kind in [Udp, UnixDatagram, Socket, Char, Other, None, Unknown] {
            for &other in EndpointKind::ALL {
                assert_eq!(kernel_path(kind, other), Option::None);
                assert_eq!(kernel_path(other, kind), Option::None);
            }
        }
        assert_eq!(kernel_path(Vsock, EndpointKind::Tcp), Option::None);
        assert_eq!(
            kernel_path(EndpointKind::File, Vsock),
            Some(KernelPath::Sendfile)
        );
    }
}
