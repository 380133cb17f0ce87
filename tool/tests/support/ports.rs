//! Ports for servers that cannot be asked which one they got.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result};

/// A port that nobody listens on, out of the range of the ports that the kernel gives to clients.
pub(crate) fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs of the tests at once should not try the same ones.
    let own = u16::try_from(std::process::id() % 10_000)?;
    (0..100)
        .map(|_| 20_000 + (own + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000)
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .context("no free port")
}
