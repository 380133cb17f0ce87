//! Healthy and unrelated programs have no fixable finding.

use super::scene::{DOWNLOAD, Scene};
use crate::analysis::catalog::RUNTIMES;
use crate::model::EndpointKind::{Char, File, None as NoEnd, Pipe, Tcp, Unix};
use crate::model::{Call, Class, Sharing, Verdict};

/// The zero-copy calls of a healthy program, as its runtime makes them.
const HEALTHY: &[(&str, &[&str])] = &[
    (
        "go",
        &[
            "syscall.sendfile",
            "internal/poll.sendFile",
            "internal/poll.SendFile",
            "net.sendFile",
            "net.(*TCPConn).readFrom",
            "net.(*TCPConn).ReadFrom",
            "net/http.(*response).ReadFrom",
            "io.copyBuffer",
            "io.CopyN",
            "net/http.serveContent",
        ],
    ),
    (
        "nginx",
        &[
            "sendfile64",
            "ngx_linux_sendfile",
            "ngx_linux_sendfile_chain",
        ],
    ),
    ("haproxy", &["splice", "raw_sock_from_pipe"]),
    ("apache", &["sendfile64", "sendfile_nonblocking"]),
    (
        "lighttpd",
        &["sendfile64", "network_write_file_chunk_sendfile"],
    ),
    (
        "jvm",
        &[
            "Java_sun_nio_ch_FileDispatcherImpl_transferTo0",
            "long sun.nio.ch.FileChannelImpl.transferToDirectInternal(x)",
            "org.apache.kafka.common.network.PlaintextTransportLayer.transferFrom",
        ],
    ),
    (
        "cpython",
        &[
            "sendfile64",
            "os_sendfile",
            "_fastcopy_sendfile in /usr/lib/python3/shutil.py",
        ],
    ),
    (
        "rust",
        &[
            "sendfile64",
            "std::sys::io::kernel_copy::linux::sendfile_splice",
        ],
    ),
];

fn verdicts(scene: &Scene) -> Vec<Verdict> {
    scene
        .findings()
        .iter()
        .map(|finding| finding.verdict)
        .collect()
}

#[test]
fn healthy_flows_are_in_no_finding() {
    for &(runtime, write) in HEALTHY {
        for sharing in [
            Sharing::Pages,
            Sharing::SocketSource,
            Sharing::UnknownSource,
        ] {
            for (call, source) in [(Call::Sendfile, File), (Call::Splice, Tcp)] {
                let scene = Scene {
                    runtime,
                    call,
                    source,
                    class: Class::ZeroCopy,
                    sharing,
                    write,
                    ..DOWNLOAD
                };
                assert_eq!(verdicts(&scene), [], "{scene:?}");
            }
        }
    }
}

/// Were the healthy frames found on a bounce, the cause would still not be known by them.
#[test]
fn healthy_frames_match_no_rule_by_stack() {
    for &(_, write) in HEALTHY {
        let scene = Scene {
            write,
            read: write,
            ..DOWNLOAD
        };
        assert_eq!(scene.rule(), None, "{scene:?}");
        assert_eq!(verdicts(&scene), [Verdict::Unknown], "{scene:?}");
    }
}

#[test]
fn what_no_rule_knows_is_not_called_fixable() {
    for (source, sink) in [
        // tar and rsync, curl, git, ssh, psql
        (File, Pipe),
        (File, File),
        (Tcp, File),
        (Pipe, Pipe),
        (Pipe, Tcp),
        (Unix, File),
        (Tcp, Unix),
        (File, Tcp),
    ] {
        for runtime in ["c", "c++", ""] {
            let scene = Scene {
                runtime,
                source,
                sink,
                ..DOWNLOAD
            };
            assert_eq!(verdicts(&scene), [Verdict::Unknown], "{scene:?}");
            let small = Scene {
                transfer: 4096,
                ..scene
            };
            assert_eq!(verdicts(&small), [Verdict::TooSmall], "{small:?}");
            // Where sizes are not known, no size is to blame.
            let unsized_flow = Scene {
                transfer: 0,
                ..scene
            };
            assert_eq!(
                verdicts(&unsized_flow),
                [Verdict::Unknown],
                "{unsized_flow:?}"
            );
        }
    }
}

#[test]
fn bytes_that_the_kernel_could_not_move_are_in_no_finding() {
    for runtime in RUNTIMES {
        for (source, sink, class) in [
            (NoEnd, Tcp, Class::Generated),
            (NoEnd, File, Class::Generated),
            (File, Tcp, Class::SameSize),
            (File, Char, Class::SameBuffer),
            (File, Pipe, Class::Staged),
            (File, Tcp, Class::Unknown),
        ] {
            let scene = Scene {
                runtime,
                source,
                sink,
                class,
                ..DOWNLOAD
            };
            assert_eq!(verdicts(&scene), [], "{scene:?}");
        }
    }
}
