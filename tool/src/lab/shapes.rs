//! The ways to send a file to a socket.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::net::TcpStream;
use std::str::FromStr;

use rustix::fs::sendfile;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

use super::mapping::Mapping;

/// Moved by one call at most, in every shape. What fits into a pipe of the default size.
const CHUNK: usize = 64 * 1024;

/// A way to send a file to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `sendfile`: the kernel moves the pages.
    Sendfile,
    /// `splice` into a pipe and from there into the socket: likewise.
    Splice,
    /// `mmap` and `write`: one copy, from the page cache into the socket.
    MmapWrite,
    /// `read` and `write`: two copies, and the bytes cross into userspace and back.
    ReadWrite,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 4] = [
        Self::Sendfile,
        Self::Splice,
        Self::MmapWrite,
        Self::ReadWrite,
    ];

    /// Its name, short enough for the command name of a process.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sendfile => "sendfile",
            Self::Splice => "splice",
            Self::MmapWrite => "mmap+write",
            Self::ReadWrite => "read+write",
        }
    }

    /// Sends all of `file`, from its position, and gives back how many bytes that were.
    ///
    /// # Errors
    ///
    /// The peer closed, the file cannot be moved this way, or it ended before its length.
    pub fn send(self, file: &mut File, to: &TcpStream) -> io::Result<u64> {
        match self {
            Self::Sendfile => send_by_sendfile(file, to),
            Self::Splice => send_by_splice(file, to),
            Self::MmapWrite => send_by_mmap(file, to),
            Self::ReadWrite => send_by_read(file, to),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|shape| shape.name() == name)
            .ok_or_else(|| format!("no such shape: {name}"))
    }
}

fn send_by_sendfile(file: &File, to: &TcpStream) -> io::Result<u64> {
    let mut sent = 0;
    loop {
        match sendfile(to, file, None, CHUNK)? {
            0 => return Ok(sent),
            moved => sent += moved as u64,
        }
    }
}

fn send_by_splice(file: &File, to: &TcpStream) -> io::Result<u64> {
    let (out, into) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut sent = 0;
    loop {
        let mut staged = splice(file, None, &into, None, CHUNK, SpliceFlags::MOVE)?;
        if staged == 0 {
            return Ok(sent);
        }
        while staged > 0 {
            let moved = splice(&out, None, to, None, staged, SpliceFlags::MOVE)?;
            if moved == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            staged -= moved;
            sent += moved as u64;
        }
    }
}

fn send_by_mmap(file: &File, to: &TcpStream) -> io::Result<u64> {
    let mapping = Mapping::of(file)?;
    for chunk in mapping.bytes().chunks(CHUNK) {
        write_all(to, chunk)?;
    }
    Ok(mapping.bytes().len() as u64)
}

fn send_by_read(file: &mut File, to: &TcpStream) -> io::Result<u64> {
    // By hand: io::copy knows the fast path.
    let mut buffer = vec![0_u8; CHUNK];
    let mut sent = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sent),
            filled => {
                write_all(to, &buffer[..filled])?;
                sent += filled as u64;
            }
        }
    }
}

/// By `write`, as the shapes promise: the standard library sends to a socket with `sendto`.
fn write_all(to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::super::content::memory_file;
    use super::*;

    #[test]
    fn every_shape_sends_the_file_unchanged() {
        let bytes = 3 * CHUNK as u64 + 17;
        let mut file = memory_file("copytax-shapes", bytes, 23).expect("memfd");
        let mut content = Vec::new();
        crate::lab::write_pattern(&mut content, bytes, 23).expect("a vector takes every write");
        for shape in Shape::ALL {
            let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
            let address = listener.local_addr().expect("bound");
            let client = thread::spawn(move || {
                let mut got = Vec::new();
                TcpStream::connect(address)?.read_to_end(&mut got)?;
                io::Result::Ok(got)
            });
            let (peer, _) = listener.accept().expect("the client connects");
            io::Seek::rewind(&mut file).expect("memfd can seek");
            assert_eq!(shape.send(&mut file, &peer).expect("all is sent"), bytes);
            drop(peer);
            let got = client.join().expect("no panic").expect("all is read");
            assert!(got == content, "{shape} changed the content");
        }
    }

    #[test]
    fn names_are_command_names_and_parse() {
        for shape in Shape::ALL {
            assert!(shape.name().len() < 16, "the kernel cuts it");
            assert_eq!(shape.name().parse(), Ok(shape));
        }
        assert!("tee".parse::<Shape>().is_err());
    }
}
