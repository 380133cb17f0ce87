//! Sizes of transfers, of a program that knows how long its runs of consecutive bytes are.

#[path = "support/counted.rs"]
mod counted;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use copytax::analysis;
use copytax::capture::EngineChoice;
use copytax::model::{EndpointKind, Mechanism, ProcessAudit, TransferSizes};

use counted::counted;

/// Sends files over stream sockets, by reading and writing and by `sendfile`, with bytes of its own
/// between the transfers. A child takes what arrives.
const PROGRAM: &str = r#"
import os, socket, sys

one, two = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[2], os.O_RDONLY)
(a, a_end), (b, b_end) = socket.socketpair(), socket.socketpair()
if os.fork() == 0:
    a.close(), b.close()
    for end in (b_end, a_end):
        while end.recv(1 << 16):
            pass
    os._exit(0)
a_end.close(), b_end.close()

def relay(file, sink, *sizes):
    for size in sizes:
        sink.sendall(os.read(file, size))

def header(sink):
    sink.sendall(b"seven b")

# A header ends a transfer: 12288, 1000 and 8192 bytes.
relay(one, a, 4096, 4096, 4096); header(a)
relay(one, a, 1000); header(a)
relay(one, a, 4096, 4096); header(a)
# Two sinks in turn: 800 bytes to each, of one file each.
for _ in range(8):
    relay(one, a, 100); relay(two, b, 100)
# Another file ends one: 300 bytes, and 2500 that go on by another call.
relay(two, a, 300)
relay(one, a, 2000); os.writev(a.fileno(), [os.read(one, 500)]); header(a)
# Inside the kernel: 6000 and 500 bytes.
for offset in (0, 2000, 4000):
    os.sendfile(a.fileno(), one, offset, 2000)
header(a)
os.sendfile(a.fileno(), one, 0, 500)
# The second sink's goes on, and has no end: what is open counts, too. It has 840 bytes.
relay(two, b, 40)
a.close(), b.close()
os.wait()
"#;

/// What the program's process did.
fn watch(engine: EngineChoice) -> Result<ProcessAudit> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str, salt: u8| -> Result<_> {
        let path = folder.path().join(name);
        let content: Vec<u8> = (0..1u32 << 16)
            .map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3] ^ salt)
            .collect();
        fs::write(&path, content)?;
        Ok(path)
    };
    let (one, two) = (file("one", 1)?, file("two", 2)?);
    let words = [Path::new("python3"), Path::new("-c"), Path::new(PROGRAM)];
    let words = words.into_iter().chain([one.as_path(), two.as_path()]);
    let snapshot = counted(engine, words.map(Into::into).collect())?;
    ensure!(snapshot.loss.transfers_split == 0, "{:?}", snapshot.loss);
    let command = snapshot.command.clone().context("a command was run")?;
    let mut processes = analysis::audit(snapshot).processes.into_iter();
    processes
        .find(|process| process.id.pid == command.pid)
        .context("the program is in the audit")
}

/// The transfers of one mechanism from files to unix sockets.
fn sizes(process: &ProcessAudit, mechanism: Mechanism) -> Vec<TransferSizes> {
    let flows = process.flows.iter().filter(|flow| {
        (flow.mechanism, flow.source, flow.sink)
            == (mechanism, EndpointKind::File, EndpointKind::Unix)
    });
    flows.flat_map(|flow| flow.transfers.clone()).collect()
}

fn sizes_are_the_programs(engine: EngineChoice) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may attach");
        return Ok(());
    }
    let process = watch(engine)?;
    let transfers = |sizes: &[(u8, u64, u64)]| -> Vec<TransferSizes> {
        let sizes = sizes.iter().map(|&(bucket, count, bytes)| TransferSizes {
            bucket,
            count,
            bytes,
        });
        sizes.collect()
    };
    // By the number of the highest bit: 300; 800, 840 and 1000; 2500; 8192 and 12288.
    let relayed = [(8, 1, 300), (9, 3, 2_640), (11, 1, 2_500), (13, 2, 20_480)];
    let found = sizes(&process, Mechanism::ReadWrite);
    ensure!(found == transfers(&relayed), "relayed: {found:?}");
    let found = sizes(&process, Mechanism::Sendfile);
    let sent = [(8, 1, 500), (12, 1, 6_000)];
    ensure!(found == transfers(&sent), "by sendfile: {found:?}");
    Ok(())
}

#[test]
fn sizes_are_the_programs_with_the_raw_engine() -> Result<()> {
    sizes_are_the_programs(EngineChoice::Raw)
}

#[test]
fn sizes_are_the_programs_with_the_tracepoint_engine() -> Result<()> {
    sizes_are_the_programs(EngineChoice::Tracepoint)
}
