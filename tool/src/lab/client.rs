//! The client process of the workload.

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpStream};

/// Read at once.
const CHUNK: usize = 256 * 1024;

/// Fetches from every port in turn, `transfers` times each, and drops what comes.
pub(super) fn run(ports: &[u16], transfers: u32, bytes: u64) -> io::Result<()> {
    let mut buffer = vec![0_u8; CHUNK];
    for &port in ports {
        for _ in 0..transfers {
            let got = drain(
                TcpStream::connect((Ipv4Addr::LOCALHOST, port))?,
                &mut buffer,
            )?;
            if got != bytes {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("port {port} sent {got} of {bytes} bytes"),
                ));
            }
        }
    }
    Ok(())
}

fn drain(mut from: impl Read, buffer: &mut [u8]) -> io::Result<u64> {
    let mut got = 0;
    loop {
        match from.read(buffer) {
            Ok(0) => return Ok(got),
            Ok(filled) => got += filled as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
