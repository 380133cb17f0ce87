//! The endpoints of one process, and what lies in each of them.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};

use crate::files::{Files, OnDisk};
use crate::truth::Counts;

/// Bytes that a channel takes without blocking, with room to spare.
const CAPACITY: usize = 192 << 10;
/// Runs that the kernel half remembers of one pipe.
const PIPE_RUNS: usize = 4;
/// Bytes of the source file.
pub(crate) const FILE_LENGTH: usize = 2 << 20;
/// Bytes of the mapped file.
pub(crate) const MAPPED_LENGTH: usize = 64 << 10;

/// Seed of the source files' content.
pub(crate) const CONTENT: u64 = 0x7275_7468;

/// Where bytes in a channel came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: &'static str,
    /// Whether they came there by reference, or why not.
    pub(crate) sharing: &'static str,
}

impl Origin {
    /// Bytes that were written: a pipe has them in pages of its own.
    pub(crate) const WRITTEN: Self = Self {
        source: "pipe",
        sharing: "pages",
    };
}

/// A descriptor pair: what is written to one end is read from the other.
pub(crate) struct Channel {
    pub(crate) kind: &'static str,
    pub(crate) reader: RawFd,
    pub(crate) writer: RawFd,
    /// Runs of bytes in it: origin and length. Datagrams are one run each.
    pub(crate) runs: VecDeque<(Origin, usize)>,
    /// Whether the writer has `SO_ZEROCOPY`.
    pub(crate) lends: bool,
    pub(crate) lent: Lent,
}

/// Sends by reference of one socket.
#[derive(Default)]
pub(crate) struct Lent {
    next_id: u32,
    /// What each that is not completed has added to flows.
    sends: BTreeMap<u32, Vec<(String, Counts)>>,
}

impl Lent {
    /// A send with at least one byte.
    pub(crate) fn sent(&mut self, flows: Vec<(String, Counts)>) {
        self.sends.insert(self.next_id, flows);
        self.next_id += 1;
    }

    /// An empty send.
    pub(crate) fn empty(&mut self, takes_id: bool) {
        if takes_id {
            self.sent(Vec::new());
        }
    }

    /// A send has been completed.
    pub(crate) fn take(&mut self, id: u32) -> Option<Vec<(String, Counts)>> {
        self.sends.remove(&id)
    }
}

impl Channel {
    pub(crate) fn pending(&self) -> usize {
        self.runs.iter().map(|run| run.1).sum()
    }

    pub(crate) fn is_datagram(&self) -> bool {
        matches!(self.kind, "udp" | "unix_datagram")
    }

    /// Bytes that fit now.
    pub(crate) fn room(&self) -> usize {
        if self.is_datagram() {
            return if self.runs.len() < 8 { 1_400 } else { 0 };
        }
        if self.kind == "pipe" && self.runs.len() >= PIPE_RUNS {
            return 0;
        }
        CAPACITY - self.pending().min(CAPACITY)
    }

    pub(crate) fn fill(&mut self, origin: Origin, length: usize) {
        let merges = !self.is_datagram();
        match self.runs.back_mut() {
            Some(last) if merges && last.0 == origin => last.1 += length,
            _ => self.runs.push_back((origin, length)),
        }
    }

    /// The runs of the next `length` bytes, which stay.
    pub(crate) fn peek(&self, mut length: usize) -> Vec<(Origin, usize)> {
        let mut taken = Vec::new();
        for &(origin, run) in &self.runs {
            if length == 0 {
                break;
            }
            taken.push((origin, run.min(length)));
            length -= run.min(length);
        }
        assert_eq!(length, 0, "more left the {} than was in it", self.kind);
        taken
    }

    /// Takes the next `length` bytes out.
    pub(crate) fn drain(&mut self, length: usize) -> Vec<(Origin, usize)> {
        let taken = self.peek(length);
        if self.is_datagram() {
            // What does not fit the reader's buffer is thrown away.
            self.runs.pop_front();
            return taken;
        }
        for &(_, run) in &taken {
            let front = self.runs.front_mut().expect("peek has seen it");
            front.1 -= run;
            if front.1 == 0 {
                self.runs.pop_front();
            }
        }
        taken
    }
}

pub(crate) struct Endpoints {
    pub(crate) channels: Vec<Channel>,
    /// A file of random content, and its read position.
    pub(crate) source_file: RawFd,
    pub(crate) source_position: usize,
    /// A file to write to.
    pub(crate) sink_file: RawFd,
    /// Files for calls that move bytes inside the kernel.
    pub(crate) files: Files,
    /// A file of random content, to be mapped.
    pub(crate) mapped_file: RawFd,
    /// The program that runs.
    pub(crate) program: RawFd,
    pub(crate) null: RawFd,
    pub(crate) random: RawFd,
}

impl Endpoints {
    /// Makes all endpoints. Nothing here is a call that is accounted.
    pub(crate) fn new(on_disk: &OnDisk) -> io::Result<Self> {
        let source_file = random_file(CONTENT, FILE_LENGTH)?;
        let sink_file = memory_file()?;
        Ok(Self {
            channels: vec![
                tcp()?,
                unix()?,
                pipe()?,
                pipe()?,
                udp()?,
                unix_datagram()?,
                lending(tcp()?)?,
                lending(udp()?)?,
            ],
            source_file,
            mapped_file: random_file(0x6d61_7070, MAPPED_LENGTH)?,
            program: open("/proc/self/exe", libc::O_RDONLY)?,
            source_position: 0,
            sink_file,
            files: Files::new(source_file, sink_file, on_disk)?,
            null: open("/dev/null", libc::O_WRONLY)?,
            random: open("/dev/urandom", libc::O_RDONLY)?,
        })
    }

    /// Makes new sockets in the place of those with `SO_ZEROCOPY`: this is another process now, and
    /// the completions of the others are not its own.
    pub(crate) fn renew_lending(&mut self) -> io::Result<()> {
        for channel in self.channels.iter_mut().filter(|channel| channel.lends) {
            *channel = lending(if channel.kind == "tcp" {
                tcp()?
            } else {
                udp()?
            })?;
        }
        Ok(())
    }
}

pub(crate) fn open(path: &str, flags: i32) -> io::Result<RawFd> {
    let path = std::ffi::CString::new(path)?;
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    check(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) })
}

fn check(result: i32) -> io::Result<RawFd> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

fn memory_file() -> io::Result<RawFd> {
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    check(unsafe { libc::memfd_create(c"truth".as_ptr(), libc::MFD_CLOEXEC) })
}

/// Filled through a mapping, so that no write is counted.
fn random_file(seed: u64, length: usize) -> io::Result<RawFd> {
    let file = memory_file()?;
    fill(file, seed, length)?;
    Ok(file)
}

/// Gives a file its content.
pub(crate) fn fill(file: RawFd, seed: u64, length: usize) -> io::Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    unsafe {
        check(libc::ftruncate(file, length as i64))?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let address = libc::mmap(
            std::ptr::null_mut(),
            length,
            protection,
            libc::MAP_SHARED,
            file,
            0,
        );
        assert_ne!(address, libc::MAP_FAILED);
        random.fill(std::slice::from_raw_parts_mut(address.cast(), length));
        libc::munmap(address, length);
    }
    Ok(())
}

fn channel(kind: &'static str, reader: RawFd, writer: RawFd) -> Channel {
    Channel {
        kind,
        reader,
        writer,
        runs: VecDeque::new(),
        lends: false,
        lent: Lent::default(),
    }
}

fn enlarge(socket: RawFd) {
    let size: i32 = 2 << 20;
    for option in [libc::SO_SNDBUFFORCE, libc::SO_RCVBUFFORCE] {
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe {
            libc::setsockopt(
                socket,
                libc::SOL_SOCKET,
                option,
                (&raw const size).cast(),
                4,
            );
        }
    }
}

fn tcp() -> io::Result<Channel> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let writer = TcpStream::connect(listener.local_addr()?)?;
    let (reader, _) = listener.accept()?;
    writer.set_nodelay(true)?;
    let (reader, writer) = (reader.into_raw_fd(), writer.into_raw_fd());
    enlarge(reader);
    enlarge(writer);
    Ok(channel("tcp", reader, writer))
}

/// The channel with `SO_ZEROCOPY` on its writer.
fn lending(channel: Channel) -> io::Result<Channel> {
    let on = 1i32;
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    check(unsafe {
        libc::setsockopt(
            channel.writer,
            libc::SOL_SOCKET,
            libc::SO_ZEROCOPY,
            (&raw const on).cast(),
            4,
        )
    })?;
    Ok(Channel {
        lends: true,
        ..channel
    })
}

fn unix() -> io::Result<Channel> {
    let (reader, writer) = UnixStream::pair()?;
    let (reader, writer) = (reader.into_raw_fd(), writer.into_raw_fd());
    enlarge(reader);
    enlarge(writer);
    Ok(channel("unix", reader, writer))
}

fn unix_datagram() -> io::Result<Channel> {
    let (reader, writer) = UnixDatagram::pair()?;
    Ok(channel(
        "unix_datagram",
        reader.into_raw_fd(),
        writer.into_raw_fd(),
    ))
}

fn udp() -> io::Result<Channel> {
    let reader = UdpSocket::bind("127.0.0.1:0")?;
    let writer = UdpSocket::bind("127.0.0.1:0")?;
    writer.connect(reader.local_addr()?)?;
    Ok(channel("udp", reader.into_raw_fd(), writer.into_raw_fd()))
}

fn pipe() -> io::Result<Channel> {
    let (reader, writer) = io::pipe()?;
    let reader = OwnedFd::from(reader).into_raw_fd();
    let writer = OwnedFd::from(writer).into_raw_fd();
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    check(unsafe { libc::fcntl(writer, libc::F_SETPIPE_SZ, 1 << 20) })?;
    Ok(channel("pipe", reader, writer))
}

/// A stream socket pair that takes few bytes and does not block: writes to it are short.
pub(crate) fn narrow() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = UnixStream::pair()?;
    writer.set_nonblocking(true)?;
    let (reader, writer) = (reader.into_raw_fd(), writer.into_raw_fd());
    let size: i32 = 8 << 10;
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    unsafe {
        libc::setsockopt(
            writer,
            libc::SOL_SOCKET,
            libc::SO_SNDBUF,
            (&raw const size).cast(),
            4,
        );
        Ok((OwnedFd::from_raw_fd(reader), OwnedFd::from_raw_fd(writer)))
    }
}
