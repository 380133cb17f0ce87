//! The workload.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;

use crate::moves::{self, Moved};

/// `--worker MOVES FOLDER PORT`: says what it moved, once it was told to begin.
pub(crate) fn main(words: &[String]) -> ExitCode {
    let port: u16 = words[2].parse().expect("a port");
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the test listens");
    let folder = Path::new(&words[1]);
    moves::prepare(folder).expect("files");
    let mut line = String::new();
    println!(
        "{} {}",
        moves::READY,
        socket.local_addr().expect("an address")
    );
    io::stdin().lock().read_line(&mut line).expect("a line");
    let mut moved: BTreeMap<String, u64> = BTreeMap::new();
    for word in words[0].split(',') {
        let (_, run) = moves::MOVES
            .iter()
            .find(|(name, _)| *name == word)
            .expect("one of the moves");
        let done: Moved = run(folder, &socket).expect("it works");
        for (key, bytes) in done {
            *moved.entry(key.to_owned()).or_default() += bytes;
        }
    }
    for (key, bytes) in moved {
        println!("{key} {bytes}");
    }
    io::stdout().flush().expect("the test reads");
    ExitCode::SUCCESS
}
