//! What it takes to name the samples of one process. By itself, for the memory:
//! `cargo test --release --test symbols -- --ignored --nocapture`.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use copytax::stack::symbols::Symbolizer;
use nix::time::ClockId;
use object::{Object, ObjectSection};

use crate::go;

/// Samples, frames of each, and addresses that are not the same.
const SAMPLES: usize = 100_000;
const FRAMES: usize = 20;
const ADDRESSES: usize = 5_000;

/// Half of what samples may take in all; the other half is for unwinding them.
const TIME_LIMIT: Duration = Duration::from_secs(1);
/// Kilobytes that the whole may take.
const MEMORY_LIMIT: u64 = 300 << 10;

#[test]
#[ignore = "a measurement: nothing else may run beside it"]
fn samples_of_one_process() -> Result<()> {
    // This program has debug information and inlined calls.
    measure("Rust", &std::env::current_exe()?)?;
    if let Some(program) = go::built("1.27.3", go::STRIPPED_PIE)? {
        measure("Go", &program)?;
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no peak")?
        .parse()?;
    eprintln!("peak: {} MiB", peak >> 10);
    ensure!(peak < MEMORY_LIMIT, "{peak} KiB");
    Ok(())
}

/// Time that this thread had a CPU, so that others on the machine do not count.
fn worked() -> Duration {
    let clock = ClockId::CLOCK_THREAD_CPUTIME_ID;
    let time = clock.now().expect("each thread has this clock");
    time.into()
}

fn measure(language: &str, program: &Path) -> Result<()> {
    let whole = fs::read(program)?;
    let object = object::File::parse(&*whole)?;
    let text = object.section_by_name(".text").context("no text")?;
    let step = text.size() / ADDRESSES as u64;
    let addresses: Vec<u64> = (0..ADDRESSES as u64)
        .map(|index| text.address() + index * step)
        .collect();
    drop(whole);

    let file = Arc::new(File::open(program)?);
    let started = worked();
    let mut symbolizer = Symbolizer::default();
    let module = symbolizer.module(&file, "/program", None);
    for address in &addresses {
        symbolizer.frames(module, *address);
    }
    let first = worked() - started;
    let (mut frames, mut named) = (Vec::new(), 0);
    for sample in 0..SAMPLES {
        frames.clear();
        for frame in 0..FRAMES {
            let address = addresses[(sample * 7 + frame * 131) % ADDRESSES];
            frames.extend_from_slice(&symbolizer.frames(module, address));
        }
        named += frames.iter().filter(|it| it.function.is_some()).count();
    }
    let all = worked() - started;
    eprintln!("{language}: {first:?} for {ADDRESSES} addresses, {all:?} in all, {named} frames");
    ensure!(named > SAMPLES * FRAMES, "{named}");
    ensure!(all < TIME_LIMIT, "{language}: {all:?}");
    Ok(())
}
