//! Ways to move bytes, each of which knows how many it moved as what.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Seek as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;

use crate::rings;

/// What the workload says before it waits.
pub(crate) const READY: &str = "ready";

/// The file that everything is read from: its folder and its name.
pub(crate) const NAMES: [&str; 2] = ["some folder", "source"];
pub(crate) const FILE_BYTES: usize = 1 << 20;

/// What [`bounce`] and [`send`] have on their stacks.
pub(crate) const BOUNCE_MARK: u64 = 0xb0c3_b0c3_b0c3_b0c3;
pub(crate) const SEND_MARK: u64 = 0x5e4d_5e4d_5e4d_5e4d;

/// Bytes by kind and class of samples.
pub(crate) type Moved = Vec<(&'static str, u64)>;

pub(crate) type Move = fn(&Path, &TcpStream) -> io::Result<Moved>;

pub(crate) const BOUNCED: &str = "bounce";
pub(crate) const ZERO_COPY: &str = "zero_copy";
pub(crate) const OTHER: &str = "other";

pub(crate) const MOVES: [(&str, Move); 14] = [
    ("bounce", bounce),
    ("small", small),
    ("steady", steady),
    ("send", send),
    ("pieces", pieces),
    ("vectors", vectors),
    ("copies", copies),
    ("mapped", mapped),
    ("made", made),
    ("splice", splice),
    ("compute", compute),
    ("zeroes", zeroes),
    ("ring", rings::submitted),
    ("polled", rings::polled),
];

/// Writes the file.
pub(crate) fn prepare(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join(NAMES[0]))?;
    let words = (0..FILE_BYTES as u32 / 4).map(|word| word.wrapping_mul(2_654_435_761) ^ word >> 7);
    let content: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    fs::write(path(folder), content)
}

pub(crate) fn path(folder: &Path) -> std::path::PathBuf {
    folder.join(NAMES[0]).join(NAMES[1])
}

pub(crate) fn source(folder: &Path) -> io::Result<File> {
    File::open(path(folder))
}

/// Reads and writes in the same calls' sizes, up to a mebibyte.
#[inline(never)]
fn bounce(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let mark = black_box([BOUNCE_MARK; 4]);
    let mut file = source(folder)?;
    let mut buffer = vec![0; FILE_BYTES];
    let mut bytes = 0;
    for round in 0..24 {
        for size in [4_096, 16_384, 65_536, 100_000, 262_144, 1 << 20] {
            file.rewind()?;
            let read = file.read(&mut buffer[..size])?;
            socket.write_all(&buffer[..read])?;
            bytes += read as u64;
        }
        black_box((&mark, round));
    }
    Ok(vec![(BOUNCED, bytes)])
}

/// Many small reads fill one buffer, which is written at once.
fn small(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let mut file = source(folder)?;
    let mut buffer = vec![0; 32_768];
    let mut bytes = 0;
    for _ in 0..300 {
        file.rewind()?;
        for part in buffer.chunks_mut(1_000) {
            file.read_exact(part)?;
        }
        socket.write_all(&buffer)?;
        bytes += buffer.len() as u64;
    }
    Ok(vec![(BOUNCED, bytes)])
}

/// Reads as much into the same memory again and again, and writes it whole or in two.
fn steady(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let mut file = source(folder)?;
    let mut buffer = vec![0; 16_384];
    let mut bytes = 0;
    for round in 0..1_500 {
        if round % 60 == 0 {
            file.rewind()?;
        }
        file.read_exact(&mut buffer)?;
        let (front, back) = buffer.split_at(if round % 2 == 0 { 5_000 } else { 0 });
        for part in [front, back] {
            socket.write_all(part)?;
            bytes += part.len() as u64;
        }
    }
    Ok(vec![(BOUNCED, bytes)])
}

/// Sends the file from inside the kernel.
#[inline(never)]
fn send(folder: &Path, socket: &TcpStream) -> io::Result<Moved> {
    let mark = black_box([SEND_MARK; 4]);
    let file = source(folder)?;
    let mut bytes = 0;
    for round in 0..80u64 {
        for size in [3_000, 20_000, 300_000] {
            let mut offset = 0;
            let sent = rustix::fs::sendfile(socket, &file, Some(&mut offset), size)?;
            bytes += sent as u64;
        }
        black_box((&mark, round));
    }
    Ok(vec![(ZERO_COPY, bytes)])
}

/// Writes what one call has read in several: the end, the front, the middle.
fn pieces(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let mut file = source(folder)?;
    let mut buffer = vec![0; 150_000];
    let mut bytes = 0;
    for _ in 0..60 {
        file.rewind()?;
        file.read_exact(&mut buffer)?;
        for range in [100_000..120_000, 0..7_000, 50_000..90_000, 120_000..150_000] {
            let part = &buffer[range];
            socket.write_all(part)?;
            bytes += part.len() as u64;
        }
        // The rest is read over.
    }
    Ok(vec![(BOUNCED, bytes)])
}

/// Reads and writes vectors; a header of its own goes before each.
fn vectors(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let mut file = source(folder)?;
    let header = [b'h'; 900];
    let (mut one, mut two) = (vec![0; 70_000], vec![0; 20_000]);
    let (mut bytes, mut made) = (0, 0);
    for _ in 0..100 {
        file.rewind()?;
        let read =
            file.read_vectored(&mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)])?;
        let all = [&header[..], &one, &two].map(IoSlice::new);
        let written = socket.write_vectored(&all)?;
        assert_eq!(
            written,
            read + header.len(),
            "a socket that blocks takes all"
        );
        (made, bytes) = (made + header.len() as u64, bytes + read as u64);
    }
    Ok(vec![(BOUNCED, bytes), (OTHER, made)])
}

/// Writes copies of what was read.
fn copies(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let mut file = source(folder)?;
    let (mut buffer, mut copy) = (vec![0; 300_000], vec![0; 300_000]);
    let mut bytes = 0;
    for _ in 0..25 {
        for size in [5_000, 60_000, 300_000] {
            file.rewind()?;
            file.read_exact(&mut buffer[..size])?;
            copy[..size].copy_from_slice(&buffer[..size]);
            socket.write_all(&copy[..size])?;
            bytes += size as u64;
        }
    }
    Ok(vec![(BOUNCED, bytes)])
}

/// Writes from a mapping of the file.
fn mapped(folder: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let file = source(folder)?;
    // SAFETY: a new mapping, that stays.
    let memory = unsafe {
        let address = libc::mmap(
            std::ptr::null_mut(),
            FILE_BYTES,
            libc::PROT_READ,
            libc::MAP_SHARED,
            file.as_fd().as_raw_fd(),
            0,
        );
        assert_ne!(address, libc::MAP_FAILED);
        std::slice::from_raw_parts(address.cast::<u8>(), FILE_BYTES)
    };
    let mut bytes = 0;
    for _ in 0..30 {
        for size in [8_000, 400_000] {
            socket.write_all(&memory[..size])?;
            bytes += size as u64;
        }
    }
    Ok(vec![(OTHER, bytes)])
}

/// Writes what it made itself.
fn made(_: &Path, mut socket: &TcpStream) -> io::Result<Moved> {
    let buffer = vec![b'm'; 50_000];
    let mut bytes = 0;
    for round in 0..200 {
        let part = &buffer[..10_000 + round * 200];
        socket.write_all(part)?;
        bytes += part.len() as u64;
    }
    Ok(vec![(OTHER, bytes)])
}

/// Sends through a pipe.
fn splice(folder: &Path, socket: &TcpStream) -> io::Result<Moved> {
    let file = source(folder)?;
    let (reader, writer) = rustix::pipe::pipe()?;
    let flags = rustix::pipe::SpliceFlags::empty();
    let mut bytes = 0;
    for _ in 0..200 {
        let mut offset = 0;
        let mut staged =
            rustix::pipe::splice(&file, Some(&mut offset), &writer, None, 50_000, flags)?;
        while staged != 0 {
            let sent = rustix::pipe::splice(&reader, None, socket, None, staged, flags)?;
            staged -= sent;
            bytes += sent as u64;
        }
    }
    Ok(vec![(ZERO_COPY, bytes)])
}

/// CPU time that the process spends at one thing, in milliseconds.
const BUSY: u64 = 1_000;

fn cpu_milliseconds() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    (time.tv_sec * 1_000 + time.tv_nsec / 1_000_000) as u64
}

/// Spends CPU time; gives how much that was.
fn spend(mut work: impl FnMut() -> io::Result<()>) -> io::Result<Moved> {
    let begin = cpu_milliseconds();
    loop {
        work()?;
        let spent = cpu_milliseconds() - begin;
        if spent >= BUSY {
            return Ok(vec![("cpu_milliseconds", spent)]);
        }
    }
}

/// Computes.
fn compute(_: &Path, _: &TcpStream) -> io::Result<Moved> {
    let mut sum = 1u64;
    spend(|| {
        for _ in 0..1_000_000 {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        Ok(())
    })
}

/// Reads zeroes, a lot at once.
fn zeroes(_: &Path, _: &TcpStream) -> io::Result<Moved> {
    let mut file = File::open("/dev/zero")?;
    let mut buffer = vec![0; 1 << 20];
    spend(|| {
        for _ in 0..20 {
            file.read_exact(&mut buffer)?;
        }
        Ok(())
    })
}
