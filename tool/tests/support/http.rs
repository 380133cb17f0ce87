//! Clients that read and discard.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Context, Result, ensure};

use super::patience::PATIENCE;

/// Reads until the server closes, and gives back how many bytes came.
pub(crate) fn drain(port: u16) -> Result<u64> {
    let mut server = connect(port)?;
    discard(&mut server)
}

/// Fetches a path by HTTP on a connection of its own, and gives back the length of the body.
pub(crate) fn get(port: u16, path: &str) -> Result<u64> {
    let mut server = connect(port)?;
    write!(
        server,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )?;
    let mut server = BufReader::new(server);
    let mut promised = None;
    let mut line = String::new();
    server.read_line(&mut line)?;
    ensure!(line.contains(" 200 "), "the server answered {line:?}");
    while line != "\r\n" {
        line.clear();
        ensure!(server.read_line(&mut line)? > 0, "the header has no end");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            promised = Some(value.trim().parse::<u64>()?);
        }
    }
    let promised = promised.context("no content-length")?;
    let came = discard(&mut server)?;
    ensure!(came == promised, "{came} of {promised} bytes came");
    Ok(came)
}

/// Connects to a port of this machine.
pub(crate) fn connect(port: u16) -> Result<TcpStream> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    server.set_read_timeout(Some(PATIENCE))?;
    Ok(server)
}

fn discard(from: &mut impl Read) -> Result<u64> {
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut came = 0;
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(came),
            Ok(filled) => came += filled as u64,
            // A read with a timeout is not restarted after its process was stopped (signal(7)).
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}
