//! Sends a file to each client by `io::copy` or in a loop, or what a server sends, or copies the file beside
//! itself and says so to the client: `copy socket|socket-wrapped|loop|relay|file|file-wrapped FILE [ADDRESS]`.
//! Prints its port.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Counts what is read, and hides the file.
struct Progress<R> {
    reader: R,
    count: u64,
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count += count as u64;
        Ok(count)
    }
}

fn send_in_pieces(file: &mut File, client: &mut TcpStream) -> io::Result<u64> {
    let mut piece = vec![0; 64 << 10];
    let mut sent = 0;
    loop {
        let filled = file.read(&mut piece)?;
        if filled == 0 {
            return Ok(sent);
        }
        client.write_all(&piece[..filled])?;
        sent += filled as u64;
    }
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mode = arguments.next().expect("a mode");
    let path = arguments.next().expect("a file");
    let address = arguments.next();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (mut client, _) = listener.accept()?;
        let mut file = File::open(&path)?;
        let mut progress = Progress {
            reader: File::open(&path)?,
            count: 0,
        };
        match mode.as_str() {
            "socket" => io::copy(&mut file, &mut client)?,
            "loop" => send_in_pieces(&mut file, &mut client)?,
            "relay" => {
                let mut server = TcpStream::connect(address.as_deref().expect("an address"))?;
                io::copy(&mut server, &mut client)?
            }
            "socket-wrapped" => io::copy(&mut progress, &mut client)?,
            _ => {
                let mut copy = File::create(format!("{path}-{mode}"))?;
                if mode == "file" {
                    io::copy(&mut file, &mut copy)?;
                } else {
                    io::copy(&mut progress, &mut copy)?;
                }
                client.write_all(b"done")?;
                0
            }
        };
    }
}
