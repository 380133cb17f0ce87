//! Servers in C and C++.

use super::scene::{DOWNLOAD, Scene};
use super::table::Case;
use crate::model::EndpointKind::{File, None as NoEnd, Tcp, Udp, Unix};
use crate::model::{Call, Class};

const NGINX: Scene = Scene {
    runtime: "nginx",
    version: "1.26.3",
    call: Call::Writev,
    ..DOWNLOAD
};

const HAPROXY: Scene = Scene {
    runtime: "haproxy",
    source: Tcp,
    ..DOWNLOAD
};

const APACHE: Scene = Scene {
    runtime: "apache",
    call: Call::Writev,
    ..DOWNLOAD
};

const LIGHTTPD: Scene = Scene {
    runtime: "lighttpd",
    ..DOWNLOAD
};

const ENVOY: Scene = Scene {
    runtime: "envoy",
    source: Tcp,
    ..DOWNLOAD
};

/// gcc's clones have names of their own.
const NGINX_READ: &[&str] = &[
    "pread64",
    "ngx_read_file",
    "ngx_output_chain_copy_buf.isra.0",
    "ngx_output_chain",
    "ngx_http_copy_filter",
    "ngx_http_output_filter",
    "main",
];

const NGINX_WRITE: &[&str] = &[
    "writev",
    "ngx_writev",
    "ngx_linux_sendfile_chain",
    "ngx_http_write_filter",
    "ngx_output_chain",
    "ngx_http_copy_filter",
    "main",
];

const NGINX_SUB: &[&str] = &[
    "writev",
    "ngx_writev",
    "ngx_linux_sendfile_chain",
    "ngx_http_write_filter",
    "ngx_http_sub_output.part.0",
    "ngx_http_sub_body_filter",
    "ngx_output_chain",
    "main",
];

const NGINX_GZIP: &[&str] = &["writev", "ngx_writev", "ngx_http_gzip_body_filter", "main"];

const THREAD_READ: &[&str] = &[
    "pread64",
    "ngx_thread_read_handler",
    "ngx_thread_pool_cycle",
];

const UPSTREAM_READ: &[&str] = &["readv", "ngx_readv_chain", "ngx_event_pipe", "main"];

const APACHE_WRITE: &[&str] = &[
    "writev",
    "apr_socket_sendv",
    "send_brigade_nonblocking",
    "ap_core_output_filter",
    "main",
];

pub(super) const CASES: &[Case] = &[
    Case {
        rule: "N1",
        matches: &[
            Scene {
                write: NGINX_WRITE,
                read: NGINX_READ,
                ..NGINX
            },
            NGINX,
            // A stripped program.
            Scene {
                write: &["@/usr/lib/libc.so.6", "@/usr/sbin/nginx"],
                ..NGINX
            },
        ],
        misses: &[
            Scene {
                write: NGINX_SUB,
                read: NGINX_READ,
                ..NGINX
            },
            Scene {
                write: NGINX_WRITE,
                read: THREAD_READ,
                ..NGINX
            },
            Scene {
                source: Tcp,
                ..NGINX
            },
            Scene {
                sink: File,
                ..NGINX
            },
            Scene {
                refused: Some((Call::Sendfile, 22)),
                ..NGINX
            },
            Scene {
                class: Class::TlsRecord,
                ..NGINX
            },
            Scene {
                runtime: "",
                ..NGINX
            },
            Scene {
                runtime: "c",
                ..NGINX
            },
        ],
    },
    Case {
        rule: "N2",
        matches: &[
            Scene {
                write: NGINX_SUB,
                read: NGINX_READ,
                ..NGINX
            },
            Scene {
                write: NGINX_GZIP,
                class: Class::Generated,
                source: NoEnd,
                ..NGINX
            },
            Scene {
                class: Class::Generated,
                source: NoEnd,
                compresses: true,
                ..NGINX
            },
        ],
        misses: &[
            Scene {
                write: NGINX_WRITE,
                read: NGINX_READ,
                ..NGINX
            },
            Scene {
                class: Class::Generated,
                source: NoEnd,
                ..NGINX
            },
            Scene {
                class: Class::Generated,
                source: NoEnd,
                compresses: true,
                runtime: "c",
                ..NGINX
            },
        ],
    },
    Case {
        rule: "N3",
        matches: &[
            Scene {
                write: &["write", "SSL_write", "ngx_ssl_write", "ngx_ssl_send_chain"],
                class: Class::TlsRecord,
                ..NGINX
            },
            Scene {
                class: Class::TlsRecord,
                ..NGINX
            },
        ],
        misses: &[
            Scene {
                class: Class::TlsRecord,
                runtime: "c",
                ..NGINX
            },
            NGINX,
        ],
    },
    Case {
        rule: "N4",
        matches: &[
            Scene {
                write: NGINX_WRITE,
                read: THREAD_READ,
                ..NGINX
            },
            // Debian's, which is stripped.
            Scene {
                write: NGINX_WRITE,
                read: &[
                    "__libc_pread64",
                    "@/usr/sbin/nginx",
                    "start_thread",
                    "clone3",
                ],
                ..NGINX
            },
        ],
        misses: &[Scene {
            write: NGINX_WRITE,
            read: NGINX_READ,
            ..NGINX
        }],
    },
    Case {
        rule: "N5",
        matches: &[
            Scene {
                source: Tcp,
                ..NGINX
            },
            Scene {
                source: Unix,
                sink: File,
                ..NGINX
            },
            Scene {
                source: Tcp,
                write: NGINX_WRITE,
                read: UPSTREAM_READ,
                ..NGINX
            },
        ],
        misses: &[
            NGINX,
            Scene {
                source: Udp,
                ..NGINX
            },
            Scene {
                runtime: "c",
                source: Tcp,
                ..NGINX
            },
        ],
    },
    Case {
        rule: "H1",
        matches: &[
            HAPROXY,
            Scene {
                read: &["raw_sock_to_buf"],
                write: &["raw_sock_from_buf"],
                ..HAPROXY
            },
            Scene {
                transfer: 4096,
                ..HAPROXY
            },
        ],
        misses: &[
            Scene {
                transfer: 2048,
                ..HAPROXY
            },
            Scene {
                transfer: 0,
                ..HAPROXY
            },
            Scene {
                refused: Some((Call::Splice, 22)),
                ..HAPROXY
            },
            Scene {
                source: File,
                ..HAPROXY
            },
            Scene {
                runtime: "",
                ..HAPROXY
            },
        ],
    },
    Case {
        rule: "H2",
        matches: &[
            Scene {
                class: Class::TlsRecord,
                source: NoEnd,
                ..HAPROXY
            },
            Scene {
                class: Class::SameSize,
                write: &["ssl_sock_from_buf"],
                ..HAPROXY
            },
        ],
        misses: &[
            HAPROXY,
            Scene {
                class: Class::SameSize,
                write: &["raw_sock_from_buf"],
                ..HAPROXY
            },
            Scene {
                class: Class::TlsRecord,
                source: NoEnd,
                runtime: "c",
                ..HAPROXY
            },
        ],
    },
    Case {
        rule: "H3",
        matches: &[
            Scene {
                transfer: 4095,
                ..HAPROXY
            },
            Scene {
                transfer: 2048,
                read: &["raw_sock_to_buf"],
                write: &["raw_sock_from_buf"],
                ..HAPROXY
            },
        ],
        misses: &[
            HAPROXY,
            Scene {
                transfer: 2048,
                runtime: "c",
                ..HAPROXY
            },
        ],
    },
    Case {
        rule: "A1",
        matches: &[
            APACHE,
            Scene {
                class: Class::Mapped,
                ..APACHE
            },
            Scene {
                write: APACHE_WRITE,
                ..APACHE
            },
            Scene {
                write: APACHE_WRITE,
                class: Class::Mapped,
                ..APACHE
            },
        ],
        misses: &[
            Scene {
                source: Tcp,
                ..APACHE
            },
            Scene {
                refused: Some((Call::Sendfile, 22)),
                ..APACHE
            },
            Scene {
                class: Class::TlsRecord,
                ..APACHE
            },
            Scene {
                class: Class::Mapped,
                sink: File,
                ..APACHE
            },
            Scene {
                class: Class::Mapped,
                runtime: "c",
                ..APACHE
            },
        ],
    },
    Case {
        rule: "L1",
        matches: &[
            LIGHTTPD,
            Scene {
                class: Class::Mapped,
                write: &["network_write_file_chunk_mmap"],
                ..LIGHTTPD
            },
            Scene {
                class: Class::Mapped,
                ..LIGHTTPD
            },
            Scene {
                write: &["network_write_file_chunk_no_mmap"],
                ..LIGHTTPD
            },
        ],
        misses: &[
            Scene {
                source: Tcp,
                ..LIGHTTPD
            },
            Scene {
                class: Class::TlsRecord,
                ..LIGHTTPD
            },
            Scene {
                refused: Some((Call::Sendfile, 22)),
                ..LIGHTTPD
            },
        ],
    },
    Case {
        rule: "E1",
        matches: &[
            ENVOY,
            Scene {
                source: File,
                ..ENVOY
            },
        ],
        misses: &[
            Scene {
                class: Class::TlsRecord,
                ..ENVOY
            },
            Scene {
                source: Udp,
                ..ENVOY
            },
            Scene {
                runtime: "c++",
                ..ENVOY
            },
        ],
    },
];
