//! Sends a file to each client by `io::copy`, or what a server sends, or copies the file beside itself
//! and says so to the client: `copy socket|socket-wrapped|relay|file|file-wrapped FILE [ADDRESS]`.
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
