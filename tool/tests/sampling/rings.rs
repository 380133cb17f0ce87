//! Moving bytes by io_uring.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types};

use crate::moves::{BOUNCED, Moved, source};

const BUFFER: u32 = 40_000;
const ROUNDS: usize = 300;

/// Reads and writes that the thread submits itself.
pub(crate) fn submitted(folder: &Path, socket: &TcpStream) -> io::Result<Moved> {
    relay(IoUring::new(4)?, folder, socket)
}

/// The same, taken up by a thread of the kernel.
pub(crate) fn polled(folder: &Path, socket: &TcpStream) -> io::Result<Moved> {
    relay(
        IoUring::builder().setup_sqpoll(1_000).build(4)?,
        folder,
        socket,
    )
}

fn relay(mut ring: IoUring, folder: &Path, socket: &TcpStream) -> io::Result<Moved> {
    let file = source(folder)?;
    let mut buffer = vec![0; BUFFER as usize];
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let into = buffer.as_mut_ptr();
        let read = opcode::Read::new(types::Fd(file.as_raw_fd()), into, BUFFER).build();
        let length = complete(&mut ring, &read)?;
        let mut sent = 0;
        while sent < length {
            let rest = &buffer[sent as usize..length as usize];
            let target = types::Fd(socket.as_raw_fd());
            let write = opcode::Send::new(target, rest.as_ptr(), length - sent).build();
            sent += complete(&mut ring, &write)?;
        }
        bytes += u64::from(sent);
    }
    Ok(vec![(BOUNCED, bytes)])
}

/// Carries a request out; gives its result.
fn complete(ring: &mut IoUring, request: &Entry) -> io::Result<u32> {
    // SAFETY: the buffer and the files live until the request is complete, which is waited for.
    unsafe { ring.submission().push(request) }.map_err(io::Error::other)?;
    ring.submit_and_wait(1)?;
    let entry = ring.completion().next().expect("it was waited for");
    u32::try_from(entry.result()).map_err(|_| io::Error::from_raw_os_error(-entry.result()))
}
