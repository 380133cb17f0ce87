//! A server process of the workload: one shape, a fixed number of transfers.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::path::Path;

use super::shapes::Shape;

/// Sends the file to each of `transfers` clients of the listener on standard input.
///
/// The listener comes from the parent, so that a client cannot come too early and no port number
/// has to be handed over: all that this process writes is the file.
pub(super) fn run(shape: Shape, file: &Path, transfers: u32) -> io::Result<()> {
    let listener = TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    for _ in 0..transfers {
        let (client, _) = listener.accept()?;
        // Each time anew: another position than the other servers of the same file.
        let mut source = File::open(file)?;
        let expected = source.metadata()?.len();
        let sent = shape.send(&mut source, &client)?;
        if sent != expected {
            return Err(io::Error::other(format!(
                "{shape}: sent {sent} of {expected} bytes"
            )));
        }
    }
    Ok(())
}
