//! Sends a file to each client by `io::copy` or in a loop, or what a server sends, or copies the file beside
//! itself and says so to the client: `copy socket|socket-wrapped|loop|sendfile|relay|file|file-wrapped FILE [ADDRESS]`.
//! Prints its port.

use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::ptr::null_mut;

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

/// Has the kernel send it: the standard library has no name for the call.
fn send_by_kernel(file: &File, client: &TcpStream) -> io::Result<u64> {
    unsafe extern "C" {
        fn sendfile(out: c_int, from: c_int, offset: *mut i64, count: usize) -> isize;
    }
    let mut sent = 0;
    loop {
        // SAFETY: both descriptors are open, and without an offset the file's own is moved.
        let count =
            unsafe { sendfile(client.as_raw_fd(), file.as_raw_fd(), null_mut(), 1 << 30) };
        match u64::try_from(count) {
            Ok(0) => return Ok(sent),
            Ok(count) => sent += count,
            Err(_) => return Err(io::Error::last_os_error()),
        }
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
            "sendfile" => send_by_kernel(&file, &client)?,
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
