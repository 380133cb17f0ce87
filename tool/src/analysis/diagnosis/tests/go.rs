//! Go programs.

mod stacks;

use super::scene::{DOWNLOAD, Scene};
use super::table::Case;
use crate::model::EndpointKind::{File, Pipe, Tcp};
use crate::model::{Call, Class};
use stacks::{
    CHILD, CHUNKED, CONN_WRAPPED, CUSTOM_SERVER_CONN, INTO_PIPE, READ_INTO_FILE, READ_PLAIN,
    READ_SECTION, READ_WRAPPED, READ_WRAPPED_INTO_FILE, REVERSE_PROXY, TLS, WRITE_GENERIC,
    WRITE_TO, WRITER_EMBEDDED, WRITER_WRAPPED,
};

const GO: Scene = Scene {
    runtime: "go",
    version: "1.27.3",
    ..DOWNLOAD
};

/// The frames of one rule with the errno history of another.
const REFUSED: Option<(Call, u16)> = Some((Call::Sendfile, 22));

pub(super) const CASES: &[Case] = &[
    Case {
        rule: "G1",
        matches: &[
            Scene {
                write: WRITE_GENERIC,
                read: READ_WRAPPED,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                version: "1.22.10",
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                read: READ_WRAPPED,
                refused: REFUSED,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                read: READ_SECTION,
                refused: REFUSED,
                ..GO
            },
            Scene {
                write: INTO_PIPE,
                read: READ_WRAPPED_INTO_FILE,
                sink: File,
                ..GO
            },
            // Frames tell a Go program.
            Scene {
                write: WRITE_GENERIC,
                runtime: "",
                version: "",
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                class: Class::SameContent,
                ..GO
            },
        ],
        misses: &[
            Scene {
                write: INTO_PIPE,
                read: READ_INTO_FILE,
                sink: File,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                refused: REFUSED,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                read: READ_PLAIN,
                refused: REFUSED,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                source: Tcp,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                runtime: "rust",
                ..GO
            },
            Scene {
                write: WRITE_TO,
                ..GO
            },
            Scene {
                write: CONN_WRAPPED,
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                class: Class::SameSize,
                ..GO
            },
            GO,
        ],
    },
    Case {
        rule: "G2",
        matches: &[
            Scene {
                write: WRITER_WRAPPED,
                ..GO
            },
            Scene {
                write: WRITER_EMBEDDED,
                ..GO
            },
        ],
        misses: &[
            Scene {
                write: CHUNKED,
                ..GO
            },
            Scene {
                write: CUSTOM_SERVER_CONN,
                ..GO
            },
            Scene {
                write: REVERSE_PROXY,
                source: Tcp,
                ..GO
            },
            Scene { write: TLS, ..GO },
        ],
    },
    Case {
        rule: "G3",
        matches: &[
            Scene {
                write: TLS,
                class: Class::TlsRecord,
                ..GO
            },
            Scene {
                write: TLS,
                class: Class::SameSize,
                ..GO
            },
        ],
        misses: &[
            Scene { write: TLS, ..GO },
            Scene {
                write: CHUNKED,
                class: Class::TlsRecord,
                ..GO
            },
        ],
    },
    Case {
        rule: "G4",
        matches: &[Scene {
            write: CHUNKED,
            ..GO
        }],
        misses: &[
            Scene {
                write: WRITER_WRAPPED,
                ..GO
            },
            Scene {
                write: CUSTOM_SERVER_CONN,
                ..GO
            },
            Scene {
                write: WRITE_TO,
                version: "1.22.10",
                ..GO
            },
            Scene {
                write: CHUNKED,
                class: Class::Generated,
                ..GO
            },
        ],
    },
    Case {
        rule: "G5",
        matches: &[
            Scene {
                write: WRITE_TO,
                version: "1.22.10",
                ..GO
            },
            Scene {
                write: WRITE_TO,
                version: "",
                ..GO
            },
        ],
        misses: &[
            Scene {
                write: WRITE_TO,
                version: "1.23.0",
                ..GO
            },
            Scene {
                write: WRITE_TO,
                version: "1.21.13",
                ..GO
            },
            Scene {
                write: WRITE_GENERIC,
                version: "1.22.10",
                ..GO
            },
            Scene {
                write: WRITE_TO,
                version: "1.22.10",
                refused: REFUSED,
                ..GO
            },
        ],
    },
    Case {
        rule: "G6",
        matches: &[Scene {
            write: REVERSE_PROXY,
            source: Tcp,
            ..GO
        }],
        misses: &[
            Scene {
                write: CONN_WRAPPED,
                source: Tcp,
                ..GO
            },
            Scene {
                write: REVERSE_PROXY,
                source: Tcp,
                class: Class::Generated,
                ..GO
            },
        ],
    },
    Case {
        rule: "G7",
        matches: &[
            Scene {
                sink: File,
                refused: Some((Call::CopyFileRange, 9)),
                ..GO
            },
            Scene {
                write: INTO_PIPE,
                read: READ_INTO_FILE,
                sink: File,
                ..GO
            },
        ],
        misses: &[
            Scene {
                sink: File,
                refused: Some((Call::CopyFileRange, 18)),
                ..GO
            },
            Scene {
                sink: File,
                refused: Some((Call::CopyFileRange, 9)),
                runtime: "c",
                ..GO
            },
            Scene {
                sink: File,
                refused: Some((Call::CopyFileRange, 9)),
                runtime: "",
                ..GO
            },
            // The file is hidden.
            Scene {
                write: INTO_PIPE,
                read: READ_WRAPPED_INTO_FILE,
                sink: File,
                ..GO
            },
            Scene {
                write: INTO_PIPE,
                read: READ_INTO_FILE,
                refused: Some((Call::CopyFileRange, 18)),
                sink: File,
                ..GO
            },
            Scene { sink: File, ..GO },
        ],
    },
    Case {
        rule: "G8",
        matches: &[Scene {
            write: INTO_PIPE,
            sink: Pipe,
            ..GO
        }],
        misses: &[
            Scene {
                write: INTO_PIPE,
                sink: File,
                ..GO
            },
            Scene {
                write: CHILD,
                sink: Pipe,
                ..GO
            },
        ],
    },
    Case {
        rule: "G9",
        matches: &[
            Scene {
                write: WRITE_GENERIC,
                source: Tcp,
                ..GO
            },
            Scene {
                write: CONN_WRAPPED,
                source: Tcp,
                ..GO
            },
            Scene {
                write: CONN_WRAPPED,
                ..GO
            },
            Scene {
                write: CUSTOM_SERVER_CONN,
                ..GO
            },
        ],
        misses: &[
            Scene {
                write: WRITE_GENERIC,
                source: Tcp,
                refused: Some((Call::Splice, 22)),
                ..GO
            },
            Scene {
                write: REVERSE_PROXY,
                source: Tcp,
                ..GO
            },
            Scene {
                write: CHUNKED,
                ..GO
            },
            Scene {
                write: WRITER_WRAPPED,
                ..GO
            },
            // The frame inside the loop has no name: it may be anyone's.
            Scene {
                write: &["net.(*conn).Write", "?", "io.copyBuffer", "main.proxy"],
                source: Tcp,
                ..GO
            },
        ],
    },
    Case {
        rule: "G10",
        matches: &[Scene {
            write: CHILD,
            source: Pipe,
            ..GO
        }],
        misses: &[
            Scene { write: CHILD, ..GO },
            Scene {
                write: CONN_WRAPPED,
                source: Pipe,
                ..GO
            },
        ],
    },
];
