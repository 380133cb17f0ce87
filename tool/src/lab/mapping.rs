//! A sealed memory file, mapped.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

use rustix::fs::{SealFlags, fcntl_get_seals};

/// The content of a file that can neither change nor shrink.
pub(super) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes are only read, and nobody can change them: any thread may have them.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps all of `file`, which must be a sealed memory file.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        if !fcntl_get_seals(file)?.contains(SealFlags::WRITE | SealFlags::SHRINK) {
            return Err(io::Error::other("only a sealed memory file can be mapped"));
        }
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        // SAFETY: a new mapping at an address that the kernel chooses touches no memory of ours.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at 0"))?;
        Ok(Self { start, len })
    }

    /// The mapped bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `start` is `len` readable bytes for as long as `self` lives, and the seals keep
        // everyone from writing to them or truncating the file under them.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `of` mapped; `bytes` borrows from `self`, so nothing
        // points into it any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}
