//! Reads so small that not each is sampled, once a thread has shown a habit.

#[path = "support/counted.rs"]
mod counted;

use std::ffi::OsString;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use copytax::analysis;
use copytax::capture::EngineChoice;
use copytax::model::{Loss, ProcessAudit};

use counted::counted;

/// Reads pieces of 8 bytes into the same memory: some only so, some to be written, and some to be
/// changed before.
const PROGRAM: &str = r#"
import os, sys

file, sink = open(sys.argv[1], "rb", buffering=0), os.open("/dev/null", os.O_WRONLY)
kept, relayed, changed = map(int, sys.argv[2:])
piece = bytearray(8)
for _ in range(kept):
    file.readinto(piece)
for _ in range(relayed):
    file.readinto(piece)
    os.write(sink, piece)
for _ in range(changed):
    file.readinto(piece)
    piece[3] ^= 0xff
    os.write(sink, piece)
"#;

/// Calls of each sort, far more than it takes to show a habit.
const CALLS: u64 = 2_000;
/// One call in four is sampled. That none of so many is happens once in ten to the eighth times.
const UNLUCKY: u64 = 64;

/// What a program does that keeps, relays and changes that many pieces.
fn watch(engine: EngineChoice, calls: [u64; 3]) -> Result<(ProcessAudit, Loss)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let content: Vec<u8> = (0..calls.iter().sum::<u64>())
        .flat_map(|piece| piece.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect();
    fs::write(&path, content)?;
    let mut words: Vec<OsString> = ["python3", "-c", PROGRAM].map(Into::into).to_vec();
    words.push(path.into());
    words.extend(calls.iter().map(|calls| calls.to_string().into()));
    let snapshot = counted(engine, words)?;
    let loss = snapshot.loss;
    let command = snapshot.command.clone().context("a command was run")?;
    let mut processes = analysis::audit(snapshot).processes.into_iter();
    let process = processes
        .find(|process| process.id.pid == command.pid)
        .context("the program is in the audit")?;
    Ok((process, loss))
}

fn habits_are_seen(engine: EngineChoice) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may attach");
        return Ok(());
    }
    let (relayed, loss) = watch(engine, [0, CALLS, 0])?;
    ensure!(
        relayed.bytes.bounced == 8 * CALLS && loss.content_unreadable == 0,
        "relayed: {:?}, {loss:?}",
        relayed.bytes
    );
    // One of those that are not sampled may be the first that is changed, or relayed.
    let (changed, _) = watch(engine, [0, CALLS, CALLS])?;
    let taken_for_unchanged = changed.bytes.bounced - 8 * CALLS;
    ensure!(
        taken_for_unchanged <= 8 * UNLUCKY,
        "changed: {:?}",
        changed.bytes
    );
    let (kept, loss) = watch(engine, [CALLS, CALLS, 0])?;
    ensure!(
        kept.bytes.bounced == 8 * (CALLS - loss.content_unreadable) && loss.content_unreadable <= 1,
        "kept: {:?}, {loss:?}",
        kept.bytes
    );
    Ok(())
}

#[test]
fn habits_are_seen_with_the_raw_engine() -> Result<()> {
    habits_are_seen(EngineChoice::Raw)
}

#[test]
fn habits_are_seen_with_the_tracepoint_engine() -> Result<()> {
    habits_are_seen(EngineChoice::Tracepoint)
}
