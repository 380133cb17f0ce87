//! Clients.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::content::{MESSAGE, MESSAGES, SIZE};
use crate::support::http;

/// Reads all that a server sends to who connects.
pub(crate) fn drain(port: u16) -> Result<()> {
    let came = http::drain(port)?;
    ensure!(came == SIZE, "{came} bytes came");
    Ok(())
}

/// Reads a message from each of many connections.
pub(crate) fn messages(port: u16) -> Result<()> {
    for _ in 0..MESSAGES {
        let came = http::drain(port)?;
        ensure!(came == MESSAGE, "{came} bytes came");
    }
    Ok(())
}

/// Waits until a server has said that it is done.
pub(crate) fn wait(port: u16) -> Result<()> {
    let came = http::drain(port)?;
    ensure!(came == 4, "{came} bytes came");
    Ok(())
}

/// Fetches the file as it is.
pub(crate) fn get(port: u16) -> Result<()> {
    let came = request(port, "")?;
    // In chunks there is more of it.
    ensure!(
        (SIZE..SIZE + SIZE / 100).contains(&came),
        "{came} bytes came"
    );
    Ok(())
}

/// Fetches the file compressed.
pub(crate) fn get_compressed(port: u16) -> Result<()> {
    let came = request(port, "Accept-Encoding: gzip\r\n")?;
    ensure!(came > 0, "nothing came");
    Ok(())
}

/// Gives back the length of the body, chunks and all.
fn request(port: u16, header: &str) -> Result<u64> {
    let mut server = http::connect(port)?;
    server.write_all(format!("{GET}{header}\r\n").as_bytes())?;
    body(server)
}

/// Fetches the file by TLS.
pub(crate) fn get_by_tls(openssl: &Path, port: u16) -> Result<()> {
    let mut client = Command::new(openssl)
        .args(["s_client", "-quiet", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = client.stdin.take().context("stdin is piped")?;
    stdin.write_all(format!("{GET}\r\n").as_bytes())?;
    let came = body(client.stdout.take().context("stdout is piped")?);
    client.kill()?;
    client.wait()?;
    let came = came?;
    ensure!(
        (SIZE..SIZE + SIZE / 100).contains(&came),
        "{came} bytes came"
    );
    Ok(())
}

const GET: &str = "GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";

fn body(from: impl Read) -> Result<u64> {
    let mut from = BufReader::with_capacity(256 << 10, from);
    let mut line = String::new();
    from.read_line(&mut line)?;
    ensure!(line.contains(" 200 "), "the server answered {line:?}");
    while line != "\r\n" {
        line.clear();
        ensure!(from.read_line(&mut line)? > 0, "the header has no end");
    }
    Ok(io::copy(&mut from, &mut io::sink())?)
}
