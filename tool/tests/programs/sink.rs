//! Ends of TCP connections that the test holds itself.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};

use crate::support::patience::{PATIENCE, until};

/// Listens on a port of its own.
pub(crate) fn listen() -> Result<(TcpListener, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// The next client. Not for ever, unlike `TcpListener::accept`.
pub(crate) fn accept(listener: &TcpListener) -> Result<TcpStream> {
    listener.set_nonblocking(true)?;
    let client = until("a client", || match listener.accept() {
        Ok((client, _)) => Ok(Some(client)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    })?;
    client.set_nonblocking(false)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    Ok(client)
}

/// One client's bytes, read and counted in the background.
pub(crate) struct Sink {
    pub(crate) port: u16,
    reader: JoinHandle<Result<u64>>,
}

impl Sink {
    /// Takes one client.
    pub(crate) fn open() -> Result<Self> {
        let (listener, port) = listen()?;
        let reader = thread::spawn(move || count(accept(&listener)?));
        Ok(Self { port, reader })
    }

    /// How many bytes came until the client closed.
    pub(crate) fn came(self) -> Result<u64> {
        self.reader.join().ok().context("the sink panicked")?
    }
}

/// Reads to the end, and gives back how many bytes came.
pub(crate) fn count(mut from: impl Read) -> Result<u64> {
    Ok(io::copy(&mut from, &mut io::sink())?)
}
