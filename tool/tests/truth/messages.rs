//! Calls that move one message: their name, and the bytes or what the call returned.

use std::os::fd::RawFd;

/// A message of these segments, which must live as long as it is used.
pub(crate) fn message(vector: &[libc::iovec]) -> libc::msghdr {
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = vector.as_ptr().cast_mut();
    message.msg_iovlen = vector.len();
    message
}

pub(crate) fn recvmsg(fd: RawFd, vector: &[libc::iovec]) -> (&'static str, isize) {
    let mut message = message(vector);
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    ("recvmsg", unsafe { libc::recvmsg(fd, &raw mut message, 0) })
}

pub(crate) fn sendmsg(fd: RawFd, vector: &[libc::iovec], flags: i32) -> (&'static str, isize) {
    let message = message(vector);
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    ("sendmsg", unsafe {
        libc::sendmsg(fd, &raw const message, flags)
    })
}

pub(crate) fn recvmmsg(fd: RawFd, vector: &[libc::iovec]) -> (&'static str, isize) {
    let mut message = one_of_many(vector);
    let null = std::ptr::null_mut();
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    let result = unsafe { libc::recvmmsg(fd, &raw mut message, 1, 0, null) };
    ("recvmmsg", bytes_of(&message, result))
}

pub(crate) fn sendmmsg(fd: RawFd, vector: &[libc::iovec], flags: i32) -> (&'static str, isize) {
    let mut message = one_of_many(vector);
    // SAFETY: a call on descriptors and memory that live as long as it runs.
    let result = unsafe { libc::sendmmsg(fd, &raw mut message, 1, flags) };
    ("sendmmsg", bytes_of(&message, result))
}

/// The message of a call that can move several.
pub(crate) fn one_of_many(vector: &[libc::iovec]) -> libc::mmsghdr {
    libc::mmsghdr {
        msg_hdr: message(vector),
        msg_len: 0,
    }
}

/// One message: the call returns 1, the bytes are in the message.
fn bytes_of(message: &libc::mmsghdr, result: i32) -> isize {
    if result == 1 {
        message.msg_len as isize
    } else {
        result as isize
    }
}
