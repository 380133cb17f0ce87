//! A FUSE file system of two files, `cached` and `direct`, served by a thread.
//!
//! The protocol: `include/uapi/linux/fuse.h`, version 7.31.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread;

use crate::case::Stop;
use crate::mounts::{known, mount};
use crate::pairs::LENGTH;

const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;

const FOPEN_DIRECT_IO: u32 = 1;
/// Bytes of `struct fuse_in_header` and of `struct fuse_write_in`.
const IN_HEADER: usize = 40;
const WRITE_IN: usize = 40;
/// Longest request that is asked for, with its header.
const REQUEST: usize = (128 << 10) + 4_096;

const ROOT: u64 = 1;
const CACHED: u64 = 2;
const DIRECT: u64 = 3;
/// Seconds that names and attributes stay known.
const VALID: u64 = 3_600;

/// Mounts it; it is served until it is unmounted.
pub(crate) fn serve(folder: &Path) -> Result<PathBuf, Stop> {
    known("fuse")?;
    let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
    let device = device.map_err(|error| Stop::Unavailable(format!("/dev/fuse: {error}")))?;
    let point = folder.join("fuse");
    std::fs::create_dir(&point)?;
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        device.as_raw_fd()
    );
    mount("none", &point, "fuse", 0, &options)?;
    thread::spawn(move || {
        Server {
            content: vec![0; LENGTH],
        }
        .run(device)
    });
    Ok(point)
}

struct Server {
    content: Vec<u8>,
}

/// The bytes of a reply.
#[derive(Default)]
struct Reply(Vec<u8>);

impl Reply {
    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    fn zeroes(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    /// `struct fuse_attr`
    fn attributes(self, node: u64) -> Self {
        let (mode, size) = if node == ROOT {
            (libc::S_IFDIR | 0o755, 0)
        } else {
            (libc::S_IFREG | 0o644, LENGTH as u64)
        };
        let times = 3 * 8 + 3 * 4;
        let reply = self.u64(node).u64(size).u64(size / 512).zeroes(times);
        // Links, then owner, group and device, then block size and padding.
        reply.u32(mode).u32(1).zeroes(3 * 4).u32(4_096).u32(0)
    }
}

impl Server {
    fn run(&mut self, mut device: File) -> io::Result<()> {
        let mut request = vec![0; REQUEST];
        loop {
            let length = device.read(&mut request)?;
            let (header, body) = request[..length].split_at(IN_HEADER);
            let word = |at: usize| header[at..at + 4].try_into().map_or(0, u32::from_ne_bytes);
            let (code, unique) = (word(4), &header[8..16]);
            let node = u64::from(word(16));
            if code == FORGET || code == INTERRUPT {
                continue;
            }
            let (error, reply) = match self.answer(code, node, body) {
                Ok(reply) => (0, reply.0),
                Err(errno) => (-errno, Vec::new()),
            };
            let mut message = (16 + reply.len() as u32).to_ne_bytes().to_vec();
            message.extend(error.to_ne_bytes());
            message.extend(unique);
            message.extend(reply);
            device.write_all(&message)?;
        }
    }

    fn answer(&mut self, code: u32, node: u64, body: &[u8]) -> Result<Reply, i32> {
        let long = |at: usize| body[at..at + 8].try_into().map_or(0, u64::from_ne_bytes) as usize;
        let reply = Reply::default();
        match code {
            // Version, readahead, flags, background and congestion, longest write, time's grain.
            INIT => Ok(reply
                .u32(7)
                .u32(31)
                .zeroes(12)
                .u32(128 << 10)
                .u32(1)
                .zeroes(36)),
            LOOKUP => {
                let node = match body {
                    b"cached\0" => CACHED,
                    b"direct\0" => DIRECT,
                    _ => return Err(libc::ENOENT),
                };
                let reply = reply.u64(node).u64(0).u64(VALID).u64(VALID).u64(0);
                Ok(reply.attributes(node))
            }
            GETATTR | SETATTR => Ok(reply.u64(VALID).u64(0).attributes(node)),
            OPEN => {
                let flags = if node == DIRECT { FOPEN_DIRECT_IO } else { 0 };
                Ok(reply.u64(0).u32(flags).u32(0))
            }
            READ => {
                let (start, length) = (long(8).min(LENGTH), long(16) & 0xffff_ffff);
                let end = (start + length).min(LENGTH);
                Ok(Reply(self.content[start..end].to_vec()))
            }
            WRITE => {
                let (start, length) = (long(8), long(16) & 0xffff_ffff);
                let bytes = &body[WRITE_IN..WRITE_IN + length];
                self.content[start..start + length].copy_from_slice(bytes);
                Ok(reply.u32(length as u32).u32(0))
            }
            _ => Err(libc::ENOSYS),
        }
    }
}
