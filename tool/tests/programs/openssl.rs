//! `openssl s_server -WWW`: TLS in userspace, between the file and the socket.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::sink::{accept, listen};
use crate::support::audit::ENGINES;
use crate::support::certificate;
use crate::support::{http, prerequisites};
use crate::watched::{self, Watched};
use crate::ways;

/// Odd, so that the last record is short.
const SIZE: u64 = 10_000_019;

#[test]
fn file_is_served_as_tls_records() -> Result<()> {
    for engine in ENGINES {
        let there = watched::prerequisites().and_then(|()| prerequisites::program("openssl"));
        let Some(openssl) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let folder = TempDir::new()?;
        write_pattern(File::create(folder.path().join("file"))?, SIZE, 23)?;
        certificate::make(&openssl, folder.path())?;
        let mut command = Command::new("env");
        command.arg("-C").arg(folder.path()).arg(&openssl);
        command.args([
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-WWW",
            "-naccept",
            "1",
        ]);
        command.args(["-cert", "certificate", "-key", "key"]);
        let mut watched = Watched::start(engine, &command)?;
        let accepts = "ACCEPT 127.0.0.1:";
        let port = watched.printed(|line| line.strip_prefix(accepts)?.parse().ok())?;
        let sent = fetch(&openssl, port, &fs::read(folder.path().join("file"))?)?;
        let report = watched.finish()?;

        // The wire is the witness: handshake, records and all.
        let server = report.named("openssl")?;
        let to_tcp = ways::to("tcp", server);
        assert_eq!(to_tcp.values().sum::<u64>(), sent, "{server:#?}");
        assert!(sent > SIZE, "{sent} bytes were sent");
        let records = to_tcp.iter().filter(|(way, _)| way.ends_with("tls_record"));
        let records: u64 = records.map(|(_, bytes)| bytes).sum();
        assert!(records > SIZE, "{to_tcp:?}");
        assert_eq!(server.bytes.transformed, records);
        assert_eq!(server.bytes.zero_copy, 0);
        assert_eq!(server.bytes.lost, 0);
        report.says(server.pid, "T1")?;
    }
    Ok(())
}

/// Fetches the file with openssl's own client, and gives back how many bytes the server put on the
/// wire for it.
fn fetch(openssl: &Path, server: u16, content: &[u8]) -> Result<u64> {
    let (listener, port) = listen()?;
    let wire = thread::spawn(move || relayed(&listener, server));
    let mut client = Command::new(openssl)
        .args(["s_client", "-quiet", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut request = client.stdin.take().context("stdin is piped")?;
    request.write_all(b"GET /file HTTP/1.0\r\n\r\n")?;
    let answer = client.wait_with_output()?.stdout;
    ensure!(answer.ends_with(content), "what came is not the file");
    wire.join().ok().context("the wire panicked")?
}

/// Relays one connection to a server, and gives back how many bytes the server sent.
fn relayed(listener: &TcpListener, server: u16) -> Result<u64> {
    let client = accept(listener)?;
    let server = http::connect(server)?;
    thread::scope(|scope| {
        scope.spawn(|| relay(&client, &server));
        relay(&server, &client)
    })
}

/// Relays until one end closes or fails, as both may once the answer was sent.
fn relay(mut from: &TcpStream, mut to: &TcpStream) -> Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut came = 0;
    loop {
        let filled = match from.read(&mut buffer) {
            Ok(filled @ 1..) => filled,
            // A read with a timeout is not restarted after its process was stopped (signal(7)).
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
        };
        came += filled as u64;
        if to.write_all(&buffer[..filled]).is_err() {
            break;
        }
    }
    // Fails where it is closed already.
    let _ = to.shutdown(Shutdown::Write);
    Ok(came)
}
