//! What every way to move bytes can do.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};

use super::Calls;

/// Between which ends bytes are moved.
pub(super) struct Way {
    pub(super) from: OwnedFd,
    pub(super) to: OwnedFd,
    /// Moved by one transfer.
    pub(super) size: usize,
}

/// Moves bytes, and keeps what it needs for that between transfers.
pub(super) trait Mover: Send {
    /// Moves the bytes of one transfer.
    ///
    /// # Errors
    ///
    /// A refused call, or an end that came too early.
    fn transfer(&mut self, way: &Way, calls: &mut Calls) -> io::Result<()>;

    /// Waits until nothing that was sent is needed any more.
    ///
    /// # Errors
    ///
    /// A refused call.
    fn finish(&mut self, _way: &Way, _calls: &mut Calls) -> io::Result<()> {
        Ok(())
    }
}

/// No bytes is an end that came too early.
pub(super) fn some(moved: usize) -> io::Result<usize> {
    if moved == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(moved)
}

/// What this machine cannot do, in words for people.
pub(in crate::lab) fn unavailable(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, reason.into())
}

/// Sets an option of a socket.
pub(super) fn set_option(
    socket: BorrowedFd<'_>,
    level: i32,
    name: i32,
    value: &[u8],
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the value is as long as it says, and is read during the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            value.as_ptr().cast(),
            length,
        )
    };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
