//! A server behind a proxy, in this process.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use anyhow::Result;
use copytax::lab::write_pattern;

use crate::content::{MESSAGE, SIZE};

/// Starts one that sends as many bytes as the file has to who connects; gives its port.
pub(crate) fn raw() -> Result<u16> {
    serve(|mut client| Ok(write_pattern(&mut client, SIZE, 23)?))
}

/// Likewise one that sends a message.
pub(crate) fn messages() -> Result<u16> {
    serve(|mut client| Ok(write_pattern(&mut client, MESSAGE, 23)?))
}

/// The bytes of the file, as the answer to one request.
pub(crate) fn http() -> Result<u16> {
    serve(|client| {
        let mut lines = BufReader::new(&client).lines();
        while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
        let header =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n");
        (&client).write_all(header.as_bytes())?;
        Ok(write_pattern(&client, SIZE, 23)?)
    })
}

fn serve(answer: fn(TcpStream) -> Result<()>) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    // It is done when this process is. A client that does not read to the end fails its test.
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let _ = answer(client);
        }
    });
    Ok(port)
}
