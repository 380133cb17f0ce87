//! What the kernel does, and what any program may do.

use super::scene::{DOWNLOAD, Scene};
use super::table::Case;
use crate::model::EndpointKind::{File, Memory, None as NoEnd, Pipe};
use crate::model::{Call, Class, Sharing};

const SENDFILE: Scene = Scene {
    call: Call::Sendfile,
    class: Class::ZeroCopy,
    ..DOWNLOAD
};

const LENT: Scene = Scene {
    call: Call::Sendmsg,
    source: Memory,
    class: Class::ByReference,
    ..DOWNLOAD
};

const OWN_LOOP: Scene = Scene {
    write: &[
        "write of libc.so.6",
        "send_file of server",
        "main of server",
    ],
    read: &["read of libc.so.6", "send_file of server", "main of server"],
    ..DOWNLOAD
};

const MADE: Scene = Scene {
    source: NoEnd,
    class: Class::Generated,
    ..DOWNLOAD
};

macro_rules! copied {
    ($rule:literal, $scene:ident, $sharing:ident, $other:ident) => {
        Case {
            rule: $rule,
            matches: &[Scene {
                sharing: Sharing::$sharing,
                ..$scene
            }],
            misses: &[
                Scene {
                    sharing: Sharing::$other,
                    ..$scene
                },
                Scene {
                    sharing: Sharing::Pages,
                    ..$scene
                },
            ],
        }
    };
}

pub(super) const CASES: &[Case] = &[
    copied!("K1", SENDFILE, DirectIo, CopySpliceRead),
    copied!("K2", SENDFILE, CopySpliceRead, FuseDirectIo),
    copied!("K3", SENDFILE, FuseDirectIo, DirectIo),
    copied!("K4", SENDFILE, PageCacheWrite, MaybeReflink),
    copied!("K5", SENDFILE, NoScatterGather, UnknownSink),
    Case {
        rule: "K6",
        matches: &[Scene {
            sharing: Sharing::CompletedCopied,
            ..LENT
        }],
        misses: &[
            Scene {
                sharing: Sharing::CompletedShared,
                ..LENT
            },
            Scene {
                sharing: Sharing::CompletionUnread,
                ..LENT
            },
            Scene {
                sharing: Sharing::CompletedCopied,
                call: Call::UringSendZc,
                ..LENT
            },
        ],
    },
    Case {
        rule: "K7",
        matches: &[Scene {
            sharing: Sharing::CompletedCopied,
            call: Call::UringSendZc,
            ..LENT
        }],
        misses: &[Scene {
            sharing: Sharing::CompletedCopied,
            ..LENT
        }],
    },
    copied!("K8", SENDFILE, KtlsSoftware, KtlsUnknown),
    copied!("K9", SENDFILE, KtlsDevice, KtlsUnknown),
    Case {
        rule: "T1",
        matches: &[Scene {
            class: Class::TlsRecord,
            ..MADE
        }],
        misses: &[
            MADE,
            DOWNLOAD,
            Scene {
                class: Class::SameSize,
                ..DOWNLOAD
            },
        ],
    },
    Case {
        rule: "T2",
        matches: &[Scene {
            compresses: true,
            ..MADE
        }],
        misses: &[
            MADE,
            Scene {
                compresses: true,
                sink: File,
                ..MADE
            },
            DOWNLOAD,
        ],
    },
    Case {
        rule: "C1",
        matches: &[
            OWN_LOOP,
            Scene {
                write: &[
                    "write of libc.so.6",
                    "write_all of server",
                    "send_file of server",
                ],
                ..OWN_LOOP
            },
        ],
        misses: &[
            DOWNLOAD,
            Scene {
                refused: Some((Call::Sendfile, 22)),
                ..OWN_LOOP
            },
            Scene {
                write: &[
                    "write of libc.so.6",
                    "flush of server",
                    "put of server",
                    "send_file of server",
                ],
                ..OWN_LOOP
            },
            Scene {
                read: &[
                    "read of libc.so.6",
                    "BIO_read of libcrypto.so.3",
                    "send_file of server",
                ],
                ..OWN_LOOP
            },
            // A loop of the language's.
            Scene {
                write: &[
                    "write of libc.so.6",
                    "std::io::copy::copy of server",
                    "send_file of server",
                ],
                ..OWN_LOOP
            },
            Scene {
                sink: File,
                ..OWN_LOOP
            },
        ],
    },
    Case {
        rule: "F1",
        matches: &[
            Scene {
                refused: Some((Call::Sendfile, 22)),
                ..DOWNLOAD
            },
            Scene {
                refused: Some((Call::CopyFileRange, 18)),
                sink: File,
                ..DOWNLOAD
            },
            Scene {
                refused: Some((Call::Sendfile, 22)),
                runtime: "cpython",
                ..DOWNLOAD
            },
        ],
        misses: &[
            DOWNLOAD,
            Scene {
                refused: Some((Call::Sendfile, 38)),
                ..DOWNLOAD
            },
            // Nothing was refused for good.
            Scene {
                refused: Some((Call::Sendfile, 11)),
                ..DOWNLOAD
            },
        ],
    },
    Case {
        rule: "F2",
        matches: &[
            Scene {
                refused: Some((Call::Sendfile, 38)),
                ..DOWNLOAD
            },
            Scene {
                refused: Some((Call::CopyFileRange, 1)),
                sink: File,
                ..DOWNLOAD
            },
        ],
        misses: &[
            DOWNLOAD,
            Scene {
                refused: Some((Call::Sendfile, 22)),
                ..DOWNLOAD
            },
            Scene {
                refused: Some((Call::Sendfile, 38)),
                class: Class::SameSize,
                ..DOWNLOAD
            },
            Scene {
                refused: Some((Call::Sendfile, 38)),
                sink: Pipe,
                class: Class::Generated,
                ..DOWNLOAD
            },
        ],
    },
];
