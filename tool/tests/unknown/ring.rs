//! Writes by requests of io_uring.

use std::os::fd::RawFd;

use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types};

use crate::pieces::{Buffer, message};

/// Carries a request out; gives its result.
fn run(ring: &mut IoUring, request: &Entry) -> isize {
    // SAFETY: what the request points to lives until it is complete.
    unsafe { ring.submission().push(request) }.expect("there is room");
    ring.submit_and_wait(1).expect("the kernel waits");
    let completion = ring.completion().next();
    completion.expect("it has come").result() as isize
}

/// A request to the sink, by its name, for all of the buffer.
pub(crate) fn write(name: &str, sink: RawFd, buffer: &Buffer) -> isize {
    let mut ring = IoUring::new(4).expect("a ring");
    let (fd, vector) = (types::Fd(sink), [buffer.vector()]);
    let (address, length) = (buffer.address.cast::<u8>(), buffer.length as u32);
    let message = message(&vector);
    let all = libc::MSG_WAITALL;
    let request = match name {
        "io_uring_write" => opcode::Write::new(fd, address, length).build(),
        "io_uring_writev" => opcode::Writev::new(fd, vector.as_ptr(), 1).build(),
        "io_uring_write_fixed" => {
            // SAFETY: the buffer lives longer than the ring.
            unsafe { ring.submitter().register_buffers(&vector) }.expect("memory to pin");
            opcode::WriteFixed::new(fd, address, length, 0).build()
        }
        "io_uring_send" => opcode::Send::new(fd, address, length).flags(all).build(),
        "io_uring_sendmsg" => opcode::SendMsg::new(fd, &raw const message)
            .flags(all as u32)
            .build(),
        other => panic!("no request {other}"),
    };
    run(&mut ring, &request)
}
