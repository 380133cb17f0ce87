//! Sockets that are connected with each other, over whatever.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::transports::Transport;
use super::veth::Veth;

/// What has to be there for the transports that are asked for.
#[derive(Default)]
pub(super) struct Network {
    veth: Option<Veth>,
}

impl Network {
    /// Makes what `transport` needs.
    ///
    /// # Errors
    ///
    /// `Unsupported` with the reason where this machine, or this user, cannot have it.
    pub(super) fn prepare(&mut self, transport: Transport) -> io::Result<()> {
        if transport == Transport::Veth && self.veth.is_none() {
            self.veth = Some(Veth::new()?);
        }
        Ok(())
    }

    /// Two sockets that are connected with each other.
    pub(super) fn pair(&self, transport: Transport) -> io::Result<(OwnedFd, OwnedFd)> {
        match transport {
            Transport::Tcp => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let near = TcpStream::connect(listener.local_addr()?)?;
                accepted(near, &listener)
            }
            Transport::Veth => {
                let veth = self.veth.as_ref();
                let veth = veth.ok_or_else(|| io::Error::other("the device was not made"))?;
                let listener = veth.far(|address| TcpListener::bind((address, 0)))?;
                let address: SocketAddr = listener.local_addr()?;
                let near = veth.near(|_| TcpStream::connect(address))?;
                accepted(near, &listener)
            }
            Transport::Unix => {
                let (near, far) = UnixStream::pair()?;
                Ok((near.into(), far.into()))
            }
            Transport::File => Err(io::Error::other("files are not connected")),
        }
    }
}

/// Anyone may connect to a port of this machine.
fn accepted(near: TcpStream, listener: &TcpListener) -> io::Result<(OwnedFd, OwnedFd)> {
    loop {
        let (far, address) = listener.accept()?;
        if address == near.local_addr()? {
            // As servers do: what is small is not to wait for an acknowledgement.
            near.set_nodelay(true)?;
            return Ok((near.into(), far.into()));
        }
    }
}
