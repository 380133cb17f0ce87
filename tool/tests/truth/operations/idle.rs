//! Calls that move nothing.

use crate::world::World;

impl World {
    /// Calls that fail.
    pub(super) fn fail(&mut self) {
        let mut byte = 0u8;
        let address = (&raw mut byte).cast();
        let pipe = self.endpoints.channels[2].reader;
        let null = std::ptr::null_mut();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe {
            match self.random.u32(..4) {
                0 => {
                    assert_eq!(libc::read(-1, address, 1), -1);
                    self.truth.error("read", "unknown", "none", libc::EBADF);
                }
                1 => {
                    let file = self.endpoints.source_file;
                    assert_eq!(libc::sendfile(file, pipe, null, 1), -1);
                    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
                    self.truth.error("sendfile", "pipe", "file", errno);
                }
                2 => {
                    let file = self.endpoints.source_file;
                    let sink = self.endpoints.sink_file;
                    let result = libc::splice(file, null.cast(), sink, null.cast(), 1, 0);
                    assert_eq!(result, -1);
                    self.truth.error("splice", "file", "file", libc::EINVAL);
                }
                _ => {
                    assert_eq!(libc::write(pipe, address, 1), -1);
                    self.truth.error("write", "none", "pipe", libc::EBADF);
                }
            }
        }
    }

    /// Calls that move nothing.
    pub(super) fn nothing(&mut self) {
        let mut byte = 0u8;
        let address = (&raw mut byte).cast();
        // SAFETY: a call on descriptors and memory that live as long as it runs.
        unsafe {
            if self.random.bool() {
                assert_eq!(
                    libc::pread(self.endpoints.source_file, address, 1, 1 << 40),
                    0
                );
                self.truth
                    .simple_call("pread64", "file", "none", "ingest", 0);
            } else {
                assert_eq!(libc::write(self.endpoints.sink_file, address, 0), 0);
                self.truth.simple_call("write", "none", "file", "none", 0);
            }
        }
    }
}
