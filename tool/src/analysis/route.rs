//! What is true of bytes that go from one kind of endpoint to another: the one table that the
//! report and docs/accounting.md share.

use crate::analysis::kernel_path::{KernelPath, NoPath, kernel_path};
use crate::model::EndpointKind;

/// What a relay is for, as seen from the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From a file or a block device to a socket.
    Download,
    /// From a socket to a file or a block device.
    Upload,
    /// From a socket to a socket.
    Proxy,
    /// A pipe is at one end at least.
    Pipeline,
    /// Between files and block devices.
    FileCopy,
}

impl Direction {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Proxy => "proxy",
            Self::Pipeline => "pipeline",
            Self::FileCopy => "file_copy",
        }
    }
}

/// What is true of bytes between two kinds of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route {
    /// `None` where one end is neither file, block device, socket nor pipe.
    pub direction: Option<Direction>,
    /// The calls that move them without a bounce, or why there are none.
    pub kernel_path: Result<KernelPath, NoPath>,
}

/// What is true of bytes that go from `source` to `sink`.
#[must_use]
pub const fn route(source: EndpointKind, sink: EndpointKind) -> Route {
    Route {
        direction: direction(source, sink),
        kernel_path: kernel_path(source, sink),
    }
}

/// Endpoints as directions tell them apart.
#[derive(Clone, Copy)]
enum Side {
    Storage,
    Socket,
    Pipe,
}

const fn side(kind: EndpointKind) -> Option<Side> {
    match kind {
        EndpointKind::File | EndpointKind::Block => Some(Side::Storage),
        EndpointKind::Pipe => Some(Side::Pipe),
        _ if kind.is_socket() => Some(Side::Socket),
        _ => None,
    }
}

const fn direction(source: EndpointKind, sink: EndpointKind) -> Option<Direction> {
    let (Some(source), Some(sink)) = (side(source), side(sink)) else {
        return None;
    };
    Some(match (source, sink) {
        (Side::Pipe, _) | (_, Side::Pipe) => Direction::Pipeline,
        (Side::Storage, Side::Socket) => Direction::Download,
        (Side::Socket, Side::Storage) => Direction::Upload,
        (Side::Socket, Side::Socket) => Direction::Proxy,
        (Side::Storage, Side::Storage) => Direction::FileCopy,
    })
}

#[cfg(test)]
mod tests {
    use super::{Direction, Route, route};
    use crate::analysis::{KernelPath, NoPath};
    use crate::model::EndpointKind;
    use expect_test::expect;

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for &source in EndpointKind::ALL {
            for &sink in EndpointKind::ALL {
                if let Ok(path) = route(source, sink).kernel_path {
                    table += &format!("{} -> {}: {}\n", source.name(), sink.name(), path.words());
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
        use EndpointKind::{Char, None, Other, Socket, Udp, UnixDatagram, Unknown};
        for kind in [Udp, UnixDatagram, Socket, Char, Other, None, Unknown] {
            for &other in EndpointKind::ALL {
                assert!(route(kind, other).kernel_path.is_err());
                assert!(route(other, kind).kernel_path.is_err());
            }
        }
    }

    #[test]
    fn vsock_takes_pages_but_gives_none() {
        use EndpointKind::{File, Pipe, Tcp, Vsock};
        assert_eq!(route(File, Vsock).kernel_path, Ok(KernelPath::Sendfile));
        for sink in [File, Tcp, Pipe, Vsock] {
            assert_eq!(route(Vsock, sink).kernel_path, Err(NoPath::NoSpliceRead));
        }
    }

    #[test]
    fn the_reason_is_that_of_the_end_that_has_one() {
        use EndpointKind::{Char, File, None, Tcp, Udp, Unknown};
        for (source, sink, reason) in [
            (Udp, File, NoPath::MessageBoundaries),
            (File, Udp, NoPath::MessageBoundaries),
            (Tcp, Char, NoPath::CharacterDevice),
            (None, Tcp, NoPath::Process),
            (Tcp, Unknown, NoPath::UnknownEnd),
        ] {
            assert_eq!(route(source, sink).kernel_path, Err(reason));
        }
    }

    #[test]
    fn directions() {
        use EndpointKind::{Block, Char, File, None, Pipe, Tcp, Udp, Unix, Unknown};
        for (source, sink, expected) in [
            (File, Tcp, Some(Direction::Download)),
            (Block, Udp, Some(Direction::Download)),
            (Unix, File, Some(Direction::Upload)),
            (Tcp, Tcp, Some(Direction::Proxy)),
            (File, Pipe, Some(Direction::Pipeline)),
            (Pipe, Tcp, Some(Direction::Pipeline)),
            (Pipe, Pipe, Some(Direction::Pipeline)),
            (File, File, Some(Direction::FileCopy)),
            (None, Tcp, Option::None),
            (Unknown, Pipe, Option::None),
            (File, Char, Option::None),
        ] {
            let Route { direction, .. } = route(source, sink);
            assert_eq!(direction, expected, "{} -> {}", source.name(), sink.name());
        }
    }
}
