//! The result, on stdout.

use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write as _};

use super::failure::Failure;

/// Writes the result. A reader that has gone away has read enough: that is no failure.
pub(crate) fn print(
    write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let result = write(&mut out).and_then(|()| out.flush());
    // What a failed write left in the buffer would be tried again on drop.
    let _ = out.into_parts();
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::io("the result could not be written", &error))
        }
        _ => Ok(()),
    }
}
