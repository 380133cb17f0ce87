//! Stacks of Go programs, innermost function first, as the sources of Go 1.22.10 and 1.27.3 make them.

pub(super) const READ_WRAPPED: &[&str] = &[
    "syscall.read",
    "syscall.Read",
    "internal/poll.(*FD).Read",
    "os.(*File).Read",
    "main.(*counter).Read",
    "io.copyBuffer",
    "io.Copy",
    "net.genericReadFrom",
    "net.(*TCPConn).readFrom",
    "net.(*TCPConn).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "main.serve",
    "runtime.goexit",
];

pub(super) const READ_SECTION: &[&str] = &[
    "syscall.pread",
    "internal/poll.(*FD).Pread",
    "os.(*File).ReadAt",
    "io.(*SectionReader).Read",
    "io.copyBuffer",
    "io.Copy",
    "net.genericReadFrom",
    "net.(*TCPConn).readFrom",
    "io.Copy",
    "main.serve",
];

/// The file itself, bounded: what the kernel refused to send.
pub(super) const READ_PLAIN: &[&str] = &[
    "syscall.read",
    "os.(*File).Read",
    "io.(*LimitedReader).Read",
    "io.copyBuffer",
    "io.Copy",
    "net.genericReadFrom",
    "net.(*TCPConn).readFrom",
    "net.(*TCPConn).ReadFrom",
    "net/http.(*response).ReadFrom",
    "io.copyBuffer",
    "io.CopyN",
    "net/http.serveContent",
];

pub(super) const WRITE_GENERIC: &[&str] = &[
    "syscall.write",
    "syscall.Write",
    "internal/poll.(*FD).Write",
    "net.(*netFD).Write",
    "net.(*conn).Write",
    "net.tcpConnWithoutReadFrom.Write",
    "io.copyBuffer",
    "io.Copy",
    "net.genericReadFrom",
    "net.(*TCPConn).readFrom",
    "net.(*TCPConn).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "main.serve",
    "runtime.goexit",
];

pub(super) const WRITE_TO: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "io.copyBuffer",
    "io.Copy",
    "net.genericReadFrom",
    "net.(*TCPConn).readFrom",
    "net.(*TCPConn).ReadFrom",
    "net/http.(*response).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "os.genericWriteTo",
    "os.(*File).WriteTo",
    "io.copyBuffer",
    "io.Copy",
    "main.handler",
    "runtime.goexit",
];

pub(super) const WRITER_WRAPPED: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "net/http.checkConnErrorWriter.Write",
    "bufio.(*Writer).Write",
    "net/http.(*chunkWriter).Write",
    "bufio.(*Writer).Write",
    "net/http.(*response).write",
    "net/http.(*response).Write",
    "main.(*statusWriter).Write",
    "io.copyBuffer",
    "io.Copy",
    "io.CopyN",
    "net/http.serveContent",
    "net/http.ServeContent",
    "main.handler",
    "net/http.(*conn).serve",
    "runtime.goexit",
];

/// The wrapper's method was made by the compiler, and nothing names it.
pub(super) const WRITER_EMBEDDED: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "net/http.checkConnErrorWriter.Write",
    "bufio.(*Writer).Write",
    "net/http.(*chunkWriter).Write",
    "net/http.(*response).write",
    "io.copyBuffer",
    "io.Copy",
    "io.CopyN",
    "net/http.serveContent",
    "runtime.goexit",
];

pub(super) const CHUNKED: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "net/http.checkConnErrorWriter.Write",
    "bufio.(*Writer).Write",
    "net/http.(*chunkWriter).Write",
    "bufio.(*Writer).Write",
    "net/http.(*response).write",
    "net/http.writerOnly.Write",
    "io.copyBuffer",
    "io.CopyBuffer",
    "net/http.(*response).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "main.handler",
    "runtime.goexit",
];

pub(super) const CUSTOM_SERVER_CONN: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "main.(*loggedConn).Write",
    "net/http.checkConnErrorWriter.Write",
    "bufio.(*Writer).Write",
    "net/http.(*chunkWriter).Write",
    "net/http.(*response).write",
    "io.copyBuffer",
    "io.CopyBuffer",
    "net/http.(*response).ReadFrom",
    "io.Copy",
    "main.handler",
    "runtime.goexit",
];

pub(super) const TLS: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "crypto/tls.(*Conn).write",
    "crypto/tls.(*Conn).writeRecordLocked",
    "crypto/tls.(*Conn).Write",
    "net/http.checkConnErrorWriter.Write",
    "bufio.(*Writer).Write",
    "net/http.(*chunkWriter).Write",
    "io.copyBuffer",
    "net/http.(*response).ReadFrom",
    "runtime.goexit",
];

pub(super) const REVERSE_PROXY: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "net/http.checkConnErrorWriter.Write",
    "net/http.(*chunkWriter).Write",
    "net/http.(*response).Write",
    "net/http/httputil.(*ReverseProxy).copyBuffer",
    "net/http/httputil.(*ReverseProxy).copyResponse",
    "runtime.goexit",
];

pub(super) const CONN_WRAPPED: &[&str] = &[
    "syscall.write",
    "net.(*netFD).Write",
    "net.(*conn).Write",
    "net.(*TCPConn).Write",
    "main.(*countingConn).Write",
    "io.copyBuffer",
    "io.Copy",
    "main.proxy",
    "runtime.goexit",
];

pub(super) const INTO_PIPE: &[&str] = &[
    "syscall.write",
    "os.(*File).Write",
    "io.copyBuffer",
    "io.Copy",
    "os.genericReadFrom",
    "os.(*File).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "main.main",
];

pub(super) const READ_INTO_FILE: &[&str] = &[
    "syscall.read",
    "os.(*File).Read",
    "io.copyBuffer",
    "io.Copy",
    "os.genericReadFrom",
    "os.(*File).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "main.main",
];

pub(super) const READ_WRAPPED_INTO_FILE: &[&str] = &[
    "syscall.read",
    "os.(*File).Read",
    "main.(*counter).Read",
    "io.copyBuffer",
    "io.Copy",
    "os.genericReadFrom",
    "os.(*File).ReadFrom",
    "io.copyBuffer",
    "io.Copy",
    "main.main",
];

pub(super) const CHILD: &[&str] = &[
    "syscall.write",
    "net.(*conn).Write",
    "io.copyBuffer",
    "io.Copy",
    "os/exec.(*Cmd).writerDescriptor.func1",
    "os/exec.(*Cmd).Start.func2",
    "runtime.goexit",
];
