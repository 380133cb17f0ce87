//! What bytes are sent over.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

/// What bytes are sent over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// TCP over the loopback device
    Tcp,
    /// A pair of unix stream sockets
    Unix,
    /// None: from file to file
    File,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Unix, Self::File];

    /// What options and reports call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Unix => "unix",
            Self::File => "file",
        }
    }

    /// Two sockets that are connected with each other.
    pub(super) fn pair(self) -> io::Result<(OwnedFd, OwnedFd)> {
        match self {
            Self::Tcp => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let near = TcpStream::connect(listener.local_addr()?)?;
                loop {
                    let (far, address) = listener.accept()?;
                    // Anyone may connect to a port of this machine.
                    if address == near.local_addr()? {
                        // As servers do: what is small is not to wait for an acknowledgement.
                        near.set_nodelay(true)?;
                        return Ok((near.into(), far.into()));
                    }
                }
            }
            Self::Unix => {
                let (near, far) = UnixStream::pair()?;
                Ok((near.into(), far.into()))
            }
            Self::File => Err(io::Error::other("files are not connected")),
        }
    }
}
