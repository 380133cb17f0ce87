//! The far ends of a path: who takes what arrives, and who gives what a proxy passes on.

mod records;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::clock;
use super::paths::Calls;
use crate::model::Call;

/// Received or sent at once.
const CHUNK: usize = 256 << 10;

/// A thread at a socket that works when it is told to.
///
/// To be dropped after the socket at the other end: that ends a thread that waits for it.
pub(super) struct End {
    orders: Option<Sender<u64>>,
    results: Receiver<io::Result<Calls>>,
    thread: Option<JoinHandle<()>>,
}

impl End {
    /// One that takes bytes from `socket` and drops them; of records of TLS, plain bytes count.
    pub(super) fn drain(socket: OwnedFd, are_records: bool) -> io::Result<Self> {
        // Not zero, so that its pages are there before anything is measured.
        let mut buffer = vec![1_u8; CHUNK];
        Self::start("drain", move |bytes| {
            if are_records {
                records::drain(&socket, bytes, &mut buffer)
            } else {
                drain(&socket, bytes, &mut buffer)
            }
        })
    }

    /// One that sends bytes to `socket`.
    pub(super) fn feed(socket: OwnedFd) -> io::Result<Self> {
        let mut content = Vec::with_capacity(CHUNK);
        super::write_pattern(&mut content, CHUNK as u64, 1)?;
        Self::start("feed", move |bytes| feed(&socket, bytes, &content))
    }

    /// Tells it to move so many bytes.
    pub(super) fn order(&self, bytes: u64) -> io::Result<()> {
        let orders = self.orders.as_ref();
        let sent = orders.and_then(|orders| orders.send(bytes).ok());
        sent.ok_or_else(gone)
    }

    /// Waits until it has; gives what it called.
    pub(super) fn wait(&self) -> io::Result<Calls> {
        self.results.recv().map_err(|_| gone())?
    }

    /// What its thread has had of processors.
    pub(super) fn cpu_time(&self) -> io::Result<Duration> {
        let thread = self.thread.as_ref().ok_or_else(gone)?;
        clock::of_thread(thread)
    }

    fn start(
        name: &str,
        mut work: impl FnMut(u64) -> io::Result<Calls> + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let (outbox, results) = channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Ok(bytes) = inbox.recv() {
                    let result = work(bytes);
                    let failed = result.is_err();
                    if outbox.send(result).is_err() || failed {
                        return;
                    }
                }
            })?;
        Ok(Self {
            orders: Some(orders),
            results,
            thread: Some(thread),
        })
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, it has said so.
            let _ = thread.join();
        }
    }
}

fn drain(socket: &OwnedFd, bytes: u64, buffer: &mut [u8]) -> io::Result<Calls> {
    let mut calls = Calls::default();
    let mut left = bytes;
    while left > 0 {
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let (got, _) = recv(socket, &mut buffer[..most], RecvFlags::empty())?;
        calls.count(Call::Recvfrom, got);
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= got as u64;
    }
    Ok(calls)
}

fn feed(socket: &OwnedFd, bytes: u64, content: &[u8]) -> io::Result<Calls> {
    let mut calls = Calls::default();
    let mut left = bytes;
    while left > 0 {
        let most = usize::try_from(left).map_or(content.len(), |left| left.min(content.len()));
        let sent = send(socket, &content[..most], SendFlags::NOSIGNAL)?;
        calls.count(Call::Sendto, sent);
        left -= sent as u64;
    }
    Ok(calls)
}

fn gone() -> io::Error {
    io::Error::other("the other end of the connection failed")
}
