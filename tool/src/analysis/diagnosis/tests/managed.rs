//! The JVM, Node.js, Python and Rust.

use super::scene::{DOWNLOAD, Scene};
use super::table::Case;
use crate::model::EndpointKind::{File, None as NoEnd, Pipe, Tcp};
use crate::model::{Call, Class, StackEnd};

const JAVA: Scene = Scene {
    runtime: "jvm",
    version: "21.0.2",
    ..DOWNLOAD
};

const NODE: Scene = Scene {
    runtime: "node",
    ..DOWNLOAD
};

const PYTHON: Scene = Scene {
    runtime: "cpython",
    version: "3.13.1",
    ..DOWNLOAD
};

const RUST: Scene = Scene {
    runtime: "rust",
    version: "1.95.0",
    ..DOWNLOAD
};

const IO_COPY: &[&str] = &[
    "<std::net::tcp::TcpStream as std::io::Write>::write",
    "std::io::copy::stack_buffer_copy::<files::Counted, std::net::tcp::TcpStream>",
    "std::io::copy::generic_copy::<files::Counted, std::net::tcp::TcpStream>",
    "files::main",
];

const REFUSED: Option<(Call, u16)> = Some((Call::Sendfile, 22));

pub(super) const CASES: &[Case] = &[
    Case {
        rule: "J1",
        matches: &[
            // HotSpot writes names one way, agents the other.
            Scene {
                write: &[
                    "Java_sun_nio_ch_SocketDispatcher_write0",
                    "long sun.nio.ch.FileChannelImpl.transferToArbitraryChannel(long, long, java.nio.channels.WritableByteChannel)",
                    "long sun.nio.ch.FileChannelImpl.transferTo(long, long, java.nio.channels.WritableByteChannel)",
                ],
                ..JAVA
            },
            Scene {
                write: &["Lsun/nio/ch/FileChannelImpl;::transferToArbitraryChannel"],
                ..JAVA
            },
            Scene {
                write: &["Lsun/nio/ch/FileChannelImpl;::transferToTrustedChannel"],
                class: Class::Mapped,
                ..JAVA
            },
        ],
        misses: &[
            Scene {
                write: &["Lsun/nio/ch/FileChannelImpl;::transferToDirectly"],
                ..JAVA
            },
            Scene {
                write: &["Lsun/nio/ch/FileChannelImpl;::transferToArbitraryChannel"],
                refused: REFUSED,
                ..JAVA
            },
            Scene {
                write: &["Lsun/nio/ch/FileChannelImpl;::transferToArbitraryChannel"],
                source: Tcp,
                ..JAVA
            },
            JAVA,
        ],
    },
    Case {
        rule: "J2",
        matches: &[Scene {
            write: &[
                "org.apache.kafka.common.network.SslTransportLayer.write",
                "org.apache.kafka.common.network.SslTransportLayer.transferFrom",
            ],
            class: Class::TlsRecord,
            ..JAVA
        }],
        misses: &[
            Scene {
                write: &["org.apache.kafka.common.network.PlaintextTransportLayer.transferFrom"],
                class: Class::TlsRecord,
                ..JAVA
            },
            Scene {
                write: &["org.apache.kafka.common.network.SslTransportLayer.transferFrom"],
                ..JAVA
            },
        ],
    },
    Case {
        rule: "J3",
        matches: &[
            Scene {
                read: &["Lio/netty/handler/stream/ChunkedNioFile;::readChunk"],
                write: &["writev"],
                ..JAVA
            },
            Scene {
                read: &[
                    "io.netty.handler.stream.ChunkedFile.readChunk(io.netty.buffer.ByteBufAllocator)",
                ],
                write: &["writev"],
                class: Class::SameContent,
                ..JAVA
            },
        ],
        misses: &[
            Scene {
                read: &["Lio/netty/handler/stream/ChunkedNioFile;::readChunk"],
                write: &["writev"],
                class: Class::TlsRecord,
                ..JAVA
            },
            Scene {
                read: &["Lio/netty/channel/DefaultFileRegion;::transferTo"],
                write: &["writev"],
                ..JAVA
            },
        ],
    },
    Case {
        rule: "J4",
        matches: &[
            Scene {
                write: &[
                    "void org.apache.catalina.connector.OutputBuffer.append(byte[], int, int)",
                    "java.io.IOException org.apache.catalina.servlets.DefaultServlet.copyNoThrow(java.io.InputStream, jakarta.servlet.ServletOutputStream)",
                ],
                source: NoEnd,
                class: Class::Generated,
                ..JAVA
            },
            Scene {
                write: &[
                    "org.apache.catalina.connector.OutputBuffer.append",
                    "java.io.IOException org.apache.catalina.servlets.DefaultServlet.copyRange(java.io.InputStream, jakarta.servlet.ServletOutputStream)",
                ],
                ..JAVA
            },
        ],
        misses: &[
            Scene {
                write: &["boolean org.apache.catalina.servlets.DefaultServlet.checkSendfile(x)"],
                ..JAVA
            },
            Scene {
                write: &["com.example.DefaultServlet.copyRange"],
                ..JAVA
            },
        ],
    },
    Case {
        rule: "J5",
        matches: &[
            Scene {
                write: &[
                    "int org.springframework.util.StreamUtils.copy(java.io.InputStream, java.io.OutputStream)",
                    "void org.springframework.http.converter.ResourceHttpMessageConverter.writeContent(org.springframework.core.io.Resource, org.springframework.http.HttpOutputMessage)",
                ],
                source: NoEnd,
                class: Class::Generated,
                ..JAVA
            },
            Scene {
                write: &[
                    "int org.springframework.util.StreamUtils.copy(java.io.InputStream, java.io.OutputStream)",
                ],
                ..JAVA
            },
        ],
        misses: &[
            // So are strings and arrays written.
            Scene {
                write: &[
                    "void org.springframework.util.StreamUtils.copy(byte[], java.io.OutputStream)",
                ],
                source: NoEnd,
                class: Class::Generated,
                ..JAVA
            },
            Scene {
                write: &["int org.springframework.util.StreamUtils.drain(x)"],
                ..JAVA
            },
            Scene {
                write: &["org.springframework.util.StreamUtils.copy"],
                source: Tcp,
                ..JAVA
            },
        ],
    },
    Case {
        rule: "J6",
        matches: &[Scene {
            write: &[
                "Java_sun_nio_ch_FileDispatcherImpl_write0",
                "void sun.nio.ch.ChannelOutputStream.write(byte[], int, int)",
                "long java.io.InputStream.transferTo(java.io.OutputStream)",
            ],
            ..JAVA
        }],
        misses: &[
            Scene {
                write: &["long sun.nio.ch.ChannelInputStream.transferTo(java.io.OutputStream)"],
                ..JAVA
            },
            Scene {
                write: &["long java.io.InputStream.transferTo(java.io.OutputStream)"],
                source: Tcp,
                ..JAVA
            },
        ],
    },
    Case {
        rule: "S1",
        matches: &[
            NODE,
            Scene {
                read: &["pread64", "uv__fs_read", "uv__fs_work", "worker"],
                write: &["write", "uv__write", "uv__stream_io"],
                ..NODE
            },
        ],
        misses: &[
            Scene {
                source: Tcp,
                ..NODE
            },
            Scene { sink: File, ..NODE },
            Scene {
                class: Class::Generated,
                ..NODE
            },
            Scene {
                runtime: "",
                ..NODE
            },
        ],
    },
    Case {
        rule: "P1",
        matches: &[Scene {
            write: &[
                "sock_send",
                "_SelectorSocketTransport.write in /usr/lib/python3.13/asyncio/selector_events.py",
                "BaseEventLoop._sendfile_fallback in /usr/lib/python3.13/asyncio/base_events.py",
            ],
            ..PYTHON
        }],
        misses: &[
            Scene {
                write: &[
                    "BaseEventLoop._sendfile_fallback in /usr/lib/python3.13/asyncio/base_events.py",
                ],
                refused: REFUSED,
                ..PYTHON
            },
            Scene {
                write: &["BaseEventLoop.sendfile in /usr/lib/python3.13/asyncio/base_events.py"],
                ..PYTHON
            },
        ],
    },
    Case {
        rule: "P2",
        matches: &[Scene {
            write: &[
                "@/usr/lib/x86_64-linux-gnu/libc.so.6",
                "@/venv/lib/python3.13/site-packages/uvloop/loop.cpython-313-x86_64-linux-gnu.so",
            ],
            ..PYTHON
        }],
        misses: &[
            Scene {
                write: &["@/usr/lib/x86_64-linux-gnu/libuv.so.1"],
                ..PYTHON
            },
            Scene {
                write: &[
                    "@/venv/lib/python3.13/site-packages/uvloop/loop.cpython-313-x86_64-linux-gnu.so",
                ],
                source: Tcp,
                ..PYTHON
            },
        ],
    },
    Case {
        rule: "P3",
        matches: &[Scene {
            write: &["FileResponse._sendfile_fallback in /venv/aiohttp/web_fileresponse.py"],
            ..PYTHON
        }],
        misses: &[Scene {
            write: &["FileResponse._sendfile in /venv/aiohttp/web_fileresponse.py"],
            ..PYTHON
        }],
    },
    Case {
        rule: "P4",
        matches: &[Scene {
            write: &["Response.write in /venv/gunicorn/http/wsgi.py"],
            ..PYTHON
        }],
        misses: &[
            Scene {
                write: &["Response.write in /app/http/wsgi.py"],
                ..PYTHON
            },
            Scene {
                write: &["Response.sendfile in /venv/gunicorn/http/wsgi.py"],
                ..PYTHON
            },
        ],
    },
    Case {
        rule: "P5",
        matches: &[
            Scene {
                write: &[
                    "_SocketWriter.write in /usr/lib/python3.13/socketserver.py",
                    "copyfileobj in /usr/lib/python3.13/shutil.py",
                ],
                ..PYTHON
            },
            Scene {
                write: &["copyfileobj in /usr/lib/python3.13/shutil.py"],
                sink: File,
                ..PYTHON
            },
            // Where a stack ends early, the other one may have it.
            Scene {
                write: &["_SocketWriter.write in /usr/lib/python3.13/socketserver.py"],
                read: &["copyfileobj in /usr/lib/python3.13/shutil.py"],
                end: StackEnd::Broken,
                ..PYTHON
            },
        ],
        misses: &[
            Scene {
                write: &["copyfile in /usr/lib/python3.13/shutil.py"],
                sink: File,
                ..PYTHON
            },
            Scene {
                write: &["copyfileobj in /app/copies.py"],
                ..PYTHON
            },
        ],
    },
    Case {
        rule: "P6",
        matches: &[
            PYTHON,
            Scene {
                write: &["@/usr/bin/python3.13"],
                ..PYTHON
            },
        ],
        misses: &[
            Scene {
                refused: REFUSED,
                ..PYTHON
            },
            Scene {
                source: Tcp,
                ..PYTHON
            },
            Scene {
                sink: File,
                ..PYTHON
            },
            Scene {
                sink: Pipe,
                ..PYTHON
            },
            Scene {
                class: Class::SameSize,
                ..PYTHON
            },
            Scene {
                runtime: "",
                ..PYTHON
            },
        ],
    },
    Case {
        rule: "R1",
        matches: &[
            Scene {
                write: IO_COPY,
                sink: File,
                ..RUST
            },
            Scene {
                write: &["<W as std::io::copy::BufferedWriterSpec>::copy_from"],
                source: Pipe,
                ..RUST
            },
            Scene {
                write: IO_COPY,
                source: Tcp,
                sink: Pipe,
                ..RUST
            },
        ],
        misses: &[
            Scene {
                write: &[
                    "std::sys::io::kernel_copy::linux::copy_regular_files",
                    "std::io::copy::copy",
                ],
                sink: File,
                ..RUST
            },
            Scene {
                write: IO_COPY,
                sink: File,
                refused: REFUSED,
                ..RUST
            },
            Scene {
                write: IO_COPY,
                ..RUST
            },
            RUST,
        ],
    },
    Case {
        rule: "R3",
        matches: &[
            Scene {
                write: IO_COPY,
                ..RUST
            },
            Scene {
                write: IO_COPY,
                sink: Pipe,
                ..RUST
            },
        ],
        misses: &[
            // It did send files then.
            Scene {
                write: IO_COPY,
                version: "1.69.0",
                ..RUST
            },
            Scene {
                write: IO_COPY,
                sink: File,
                ..RUST
            },
            Scene {
                write: IO_COPY,
                source: Pipe,
                ..RUST
            },
            RUST,
        ],
    },
    Case {
        rule: "R4",
        matches: &[
            Scene {
                write: IO_COPY,
                source: Tcp,
                ..RUST
            },
            Scene {
                write: IO_COPY,
                source: Tcp,
                sink: File,
                ..RUST
            },
        ],
        misses: &[
            Scene {
                write: IO_COPY,
                source: Tcp,
                sink: Pipe,
                ..RUST
            },
            Scene {
                source: Tcp,
                ..RUST
            },
        ],
    },
    Case {
        rule: "R2",
        matches: &[Scene {
            write: &[
                "tokio::net::tcp::stream::TcpStream::poll_write_vectored",
                "<hyper::proto::h1::io::Buffered<T, B>>::poll_flush",
            ],
            ..RUST
        }],
        misses: &[
            Scene {
                write: &["tokio::io::util::copy::CopyBuffer::poll_copy"],
                ..RUST
            },
            Scene {
                write: &["<hyper::proto::h1::io::Buffered<T, B>>::poll_flush"],
                class: Class::Generated,
                ..RUST
            },
        ],
    },
];
