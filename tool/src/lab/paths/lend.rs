//! `MSG_ZEROCOPY`: memory is lent to the socket, and given back by completions.

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{SendFlags, send};

use super::Calls;
use super::mover::{Mover, Way, set_option, some};
use crate::lab::mapping::Mapping;
use crate::model::Call;

/// Sent by one call at most.
const CHUNK: usize = 256 << 10;

/// Sends that may wait for their completion: what they need is charged to the socket
/// (`net.core.optmem_max`), and a send beyond that fails.
const MOST_LENT: u32 = 16;

/// `SO_EE_ORIGIN_ZEROCOPY` of `include/uapi/linux/errqueue.h`.
const ORIGIN_ZEROCOPY: u8 = 5;

/// Memory, and how many sends the kernel has it of.
pub(super) struct Lender {
    mapping: Mapping,
    lent: u32,
}

/// Room for one `sock_extended_err` and the address behind it, aligned as control messages are.
#[repr(C, align(8))]
struct Control([MaybeUninit<u8>; 128]);

impl Lender {
    /// Lets a socket borrow memory.
    pub(super) fn new(mapping: Mapping, socket: BorrowedFd<'_>) -> io::Result<Self> {
        set_option(
            socket,
            libc::SOL_SOCKET,
            libc::SO_ZEROCOPY,
            &1_i32.to_ne_bytes(),
        )?;
        Ok(Self { mapping, lent: 0 })
    }

    /// Takes one message from the error queue, which stands for one send or several that follow each
    /// other.
    fn reclaim(&mut self, socket: BorrowedFd<'_>, calls: &mut Calls) -> io::Result<()> {
        // Nothing else is asked for: errors are always told. Reading the queue would not wait.
        poll(&mut [PollFd::new(&socket, PollFlags::empty())], None)?;
        calls.count_others(1);
        let sends = receive_completion(socket)?;
        calls.count(Call::Recvmsg, 0);
        self.lent = self.lent.saturating_sub(sends);
        Ok(())
    }
}

impl Mover for Lender {
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        let flags = SendFlags::from_bits_retain(libc::MSG_ZEROCOPY.cast_unsigned());
        let mut done = 0;
        while done < way.size {
            while self.lent >= MOST_LENT {
                self.reclaim(way.to.as_fd(), calls)?;
            }
            let bytes = self.mapping.bytes();
            let chunk = &bytes[done..bytes.len().min(done + CHUNK)];
            let sent = send(&way.to, chunk, flags)?;
            calls.count(Call::Sendto, sent);
            self.lent += 1;
            done += some(sent)?;
        }
        Ok(())
    }

    fn finish(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()> {
        while self.lent > 0 {
            self.reclaim(way.to.as_fd(), calls)?;
        }
        Ok(())
    }
}

/// A number of bytes, in the type that the C library has for it: that of glibc is wider than that of musl.
fn length<T: TryFrom<usize>>(bytes: usize) -> io::Result<T> {
    T::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput.into())
}

/// How many sends the next message of the error queue is about.
fn receive_completion(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut control = Control([MaybeUninit::uninit(); 128]);
    // SAFETY: all zeros are a message without name, data and control.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = length(size_of::<Control>())?;
    // SAFETY: `message` has no pointers but to `control`, which outlives the call, with its length.
    let result = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_ERRQUEUE) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has filled in the message, and as many bytes of `control` as its length says.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message).as_ref() };
    let needed = length(size_of::<libc::cmsghdr>() + size_of::<libc::sock_extended_err>())?;
    let header = header.filter(|header| header.cmsg_len >= needed);
    let header = header.ok_or_else(|| io::Error::other("a completion without its numbers"))?;
    // SAFETY: the length of the control message has room for what is read, at any alignment.
    let error: libc::sock_extended_err = unsafe {
        libc::CMSG_DATA(header)
            .cast::<libc::sock_extended_err>()
            .read_unaligned()
    };
    if error.ee_origin != ORIGIN_ZEROCOPY {
        return Err(io::Error::from_raw_os_error(error.ee_errno.cast_signed()));
    }
    // From the first to the last, both included (msg_zerocopy.rst); the numbers wrap.
    Ok(error.ee_data.wrapping_sub(error.ee_info).wrapping_add(1))
}
