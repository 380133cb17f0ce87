//! Sources, sinks, and calls between them with a witness.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr::null_mut;

use crate::case::Route;

/// Bytes of one call: whole blocks, and less than a pipe or a socket takes.
pub(crate) const LENGTH: usize = 16 << 10;

/// A file to move bytes from.
pub(crate) struct Source {
    pub(crate) kind: &'static str,
    /// What it is read through.
    pub(crate) read: File,
    /// What it is changed through.
    changed: File,
}

impl Source {
    /// A file at `path`, made if it is not there, read with more `flags`.
    pub(crate) fn file(path: &Path, flags: i32) -> io::Result<Self> {
        let changed = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        Self::changed_through(path, flags, changed)
    }

    /// A file that is changed through another one, with the same bytes.
    pub(crate) fn changed_through(path: &Path, flags: i32, changed: File) -> io::Result<Self> {
        let read = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(path)?;
        Ok(Self {
            kind: "file",
            read,
            changed,
        })
    }

    /// Fills it with one byte.
    fn fill(&self, byte: u8) -> io::Result<()> {
        self.changed.write_all_at(&[byte; LENGTH], 0)
    }
}

/// Where bytes go, and where they come out again.
pub(crate) struct Sink {
    pub(crate) kind: &'static str,
    writer: OwnedFd,
    reader: File,
}

impl Sink {
    fn new(kind: &'static str, writer: impl Into<OwnedFd>, reader: impl Into<OwnedFd>) -> Self {
        Self {
            kind,
            writer: writer.into(),
            reader: reader.into().into(),
        }
    }

    /// A connection over the loopback device.
    pub(crate) fn tcp() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let writer = TcpStream::connect(listener.local_addr()?)?;
        Ok(Self::of_tcp(writer, listener.accept()?.0))
    }

    /// Both ends of a connection.
    pub(crate) fn of_tcp(writer: TcpStream, reader: TcpStream) -> Self {
        Self::new("tcp", writer, reader)
    }

    /// A socket pair.
    pub(crate) fn unix() -> io::Result<Self> {
        let (writer, reader) = UnixStream::pair()?;
        Ok(Self::new("unix", writer, reader))
    }

    /// A pipe.
    pub(crate) fn pipe() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self::new("pipe", writer, reader))
    }

    /// A file, opened with more `flags`.
    pub(crate) fn file(path: &Path, flags: i32) -> io::Result<Self> {
        let writer = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .custom_flags(flags)
            .open(path)?;
        Ok(Self::new("file", writer, File::open(path)?))
    }

    /// A device, which gives back nothing of what it gets, or is not asked.
    pub(crate) fn device(kind: &'static str, path: &Path) -> io::Result<Self> {
        let writer = OpenOptions::new().write(true).open(path)?;
        Ok(Self::new(kind, writer, File::open(path)?))
    }

    /// The bytes that came last.
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; LENGTH];
        if matches!(self.kind, "file" | "block") {
            self.reader.read_exact_at(&mut bytes, 0)?;
        } else {
            self.reader.read_exact(&mut bytes)?;
        }
        Ok(bytes)
    }

    fn is_stream(&self) -> bool {
        !matches!(self.kind, "file" | "block" | "char")
    }
}

fn moved(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn whole(bytes: usize) -> io::Result<()> {
    if bytes == LENGTH {
        return Ok(());
    }
    Err(io::Error::other(format!("{bytes} bytes moved")))
}

/// One call from the start of a file, or of what a pipe holds.
fn call(name: &str, source: RawFd, sink: &Sink, is_pipe: bool) -> io::Result<usize> {
    let (mut from, mut to) = (0_i64, 0_i64);
    let position = if is_pipe { null_mut() } else { &raw mut from };
    let sink_position = if sink.is_stream() {
        null_mut()
    } else {
        &raw mut to
    };
    let writer = sink.writer.as_raw_fd();
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    moved(unsafe {
        match name {
            "sendfile" => libc::sendfile(writer, source, position, LENGTH),
            "copy_file_range" => {
                libc::copy_file_range(source, position, writer, sink_position, LENGTH, 0)
            }
            _ => libc::splice(source, position, writer, sink_position, LENGTH, 0),
        }
    })
}

/// Moves bytes by one call, changes the source, and looks at what comes out.
pub(crate) fn witnessed(
    name: &'static str,
    source: &Source,
    sink: &mut Sink,
    sharing: &'static str,
) -> io::Result<Route> {
    source.fill(b'a')?;
    if !sink.is_stream() {
        rustix::fs::ftruncate(&sink.writer, 0).or_else(|_| rustix::fs::fsync(&sink.writer))?;
    }
    whole(call(name, source.read.as_raw_fd(), sink, false)?)?;
    source.fill(b'b')?;
    let witness = witness(&sink.receive()?);
    Ok(Route::new((name, source.kind, sink.kind), sharing, LENGTH).seen(witness))
}

/// What became of bytes that were `a` when they moved, and `b` before they were received.
fn witness(received: &[u8]) -> &'static str {
    let all = |byte| received.iter().all(|found| *found == byte);
    if all(b'b') {
        "shared"
    } else if all(b'a') {
        "copied"
    } else {
        "mixed"
    }
}

/// Moves bytes into a pipe (`staged`) and out of it into the sink, with a witness of both together.
pub(crate) fn through_pipe(
    source: &Source,
    sink: &mut Sink,
    [staged, sharing]: [&'static str; 2],
) -> io::Result<[Route; 2]> {
    source.fill(b'a')?;
    let pipe = Sink::pipe()?;
    whole(call("splice", source.read.as_raw_fd(), &pipe, false)?)?;
    whole(call("splice", pipe.reader.as_raw_fd(), sink, true)?)?;
    source.fill(b'b')?;
    let witness = witness(&sink.receive()?);
    Ok([
        Route::new(("splice", source.kind, "pipe"), staged, LENGTH),
        Route::new(("splice", source.kind, sink.kind), sharing, LENGTH).seen(witness),
    ])
}

/// Moves bytes that never change, by one call.
pub(crate) fn unwitnessed(
    name: &'static str,
    (kind, source): (&'static str, &File),
    sink: &Sink,
    sharing: &'static str,
) -> io::Result<Route> {
    let is_stream = matches!(kind, "pipe" | "unix" | "tcp" | "char");
    let bytes = call(name, source.as_raw_fd(), sink, is_stream)?;
    Ok(Route::new((name, kind, sink.kind), sharing, bytes))
}

/// Moves bytes from a socket through a pipe.
pub(crate) fn from_socket(sink: &mut Sink, sharing: &'static str) -> io::Result<[Route; 2]> {
    let (mut writer, reader) = UnixStream::pair()?;
    writer.write_all(&[b'a'; LENGTH])?;
    let pipe = Sink::pipe()?;
    whole(call("splice", reader.as_raw_fd(), &pipe, true)?)?;
    whole(call("splice", pipe.reader.as_raw_fd(), sink, true)?)?;
    sink.receive()?;
    Ok(["pipe", sink.kind].map(|kind| Route::new(("splice", "unix", kind), sharing, LENGTH)))
}

/// Moves memory through a pipe, and changes it before it is received.
pub(crate) fn from_memory(sink: &mut Sink) -> io::Result<[Route; 2]> {
    let mut memory = vec![b'a'; LENGTH];
    let vector = libc::iovec {
        iov_base: memory.as_mut_ptr().cast(),
        iov_len: LENGTH,
    };
    let pipe = Sink::pipe()?;
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    let staged = unsafe { libc::vmsplice(pipe.writer.as_raw_fd(), &raw const vector, 1, 0) };
    whole(moved(staged)?)?;
    whole(call("splice", pipe.reader.as_raw_fd(), sink, true)?)?;
    std::hint::black_box(&mut memory).fill(b'b');
    let witness = witness(&sink.receive()?);
    Ok([
        Route::new(("vmsplice", "memory", "pipe"), "pages", LENGTH),
        Route::new(("splice", "memory", sink.kind), "pages", LENGTH).seen(witness),
    ])
}

/// Moves bytes into a pipe, from there into a second one by `tee`, and looks at what that holds.
pub(crate) fn teed(source: &Source, staged: &'static str) -> io::Result<[Route; 2]> {
    source.fill(b'a')?;
    let (first, mut second) = (Sink::pipe()?, Sink::pipe()?);
    whole(call("splice", source.read.as_raw_fd(), &first, false)?)?;
    let (reader, writer) = (first.reader.as_raw_fd(), second.writer.as_raw_fd());
    // SAFETY: a call on descriptors.
    whole(moved(unsafe { libc::tee(reader, writer, LENGTH, 0) })?)?;
    source.fill(b'b')?;
    let witness = witness(&second.receive()?);
    Ok([
        Route::new(("splice", source.kind, "pipe"), staged, LENGTH),
        Route::new(("tee", source.kind, "pipe"), staged, LENGTH).seen(witness),
    ])
}
