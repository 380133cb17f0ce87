//! What unwinding and naming cost: seconds and megabytes for the samples of a busy process.
//! `cargo xtask bench stacks` runs it; `docs/performance.md` keeps the figures.

#[path = "../../tests/stacks/sampler.rs"]
#[expect(dead_code, reason = "shared with a test target")]
mod sampler;
#[path = "../support/mod.rs"]
mod support;
mod work;

use std::fs;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use copytax::model::{StackEnd, UserStack};
use copytax::stack::symbols::Symbolizer;
use copytax::stack::unwind::{Location, Unwinder};
use nix::time::{ClockId, clock_gettime};

use crate::sampler::Traced;
use crate::support::{document, statistics};

/// Samples that are unwound and named.
const SAMPLES: usize = 100_000;
/// Different ones among them: each is unwound again and again.
const DIFFERENT: usize = 2_000;
/// Seconds of a processor for all of them.
const TIME_LIMIT: f64 = 2.0;
/// Megabytes that the unwinder and the names take, mapped files included.
const MEMORY_LIMIT: f64 = 300.0;

/// Bytes.
const MEGABYTE: f64 = 1e6;

/// What unwinding and naming cost.
#[derive(Debug, Parser)]
struct Args {
    /// Times that all samples are unwound.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write the figures to docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Be the process that is sampled.
    #[arg(long, hide = true)]
    work: bool,
    /// Cargo says this to benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if args.work {
        work::forever()?;
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can trace; run this as root"
    );
    let worker = Worker::start()?;
    let thread = Traced::attach(worker.0.id(), worker.0.id())?;
    let before = resident()?;
    let samples = samples(&thread)?;
    // It must be there, but need not work any more.
    thread.stop()?;
    let mut seconds = Vec::new();
    let (mut unwinding, mut frames, mut after) = (Vec::new(), 0, 0.0);
    for _ in 0..args.rounds {
        let start = processor_seconds()?;
        let mut unwinder = Unwinder::new();
        for sample in samples.iter().cycle().take(SAMPLES) {
            let unwound = unwinder.unwind(thread.process(), sample);
            ensure!(unwound.end == StackEnd::Entry, "{unwound:#x?}");
        }
        unwinding.push(processor_seconds()? - start);
        drop(unwinder);
        let start = processor_seconds()?;
        let (mut unwinder, mut symbolizer) = (Unwinder::new(), Symbolizer::default());
        frames = 0;
        for sample in samples.iter().cycle().take(SAMPLES) {
            for location in &unwinder.unwind(thread.process(), sample).locations {
                frames += name(&mut symbolizer, location)?;
            }
        }
        seconds.push(processor_seconds()? - start);
        after = resident()?;
    }
    let (median, best) = (statistics::median(&seconds), statistics::best(&seconds));
    let unwinding = statistics::median(&unwinding);
    let bytes: usize = samples.iter().map(|sample| sample.memory.len()).sum();
    let memory = after - before - bytes as f64 / MEGABYTE;
    let is_kept = median <= TIME_LIMIT && memory <= MEMORY_LIMIT;
    let text = format!(
        "{}\n{SAMPLES} samples of one process, {DIFFERENT} of them different, with {} frames and {} bytes \
         of stack on average:\n\n- {}: unwound and named in {median:.2} s of a processor, of which unwinding takes \
         {unwinding:.2} s; the best of {} times in {best:.2} s (limit {TIME_LIMIT} s)\n- {}: {memory:.0} MB of memory (limit {MEMORY_LIMIT} MB)\n",
        document::provenance("cargo xtask bench stacks --write"),
        frames / SAMPLES,
        bytes / samples.len(),
        verdict(median <= TIME_LIMIT),
        args.rounds,
        verdict(memory <= MEMORY_LIMIT),
    );
    println!("{text}");
    if args.write {
        document::replace_part("performance.md", "stacks", &text)?;
    }
    Ok(if is_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Names the functions at a location; how many there are.
fn name(symbolizer: &mut Symbolizer, location: &Location) -> Result<usize> {
    let module = location.module.as_ref().context("code is mapped")?;
    let file = module.file().context("what is mapped is a file")?;
    let id = symbolizer.module(file, module.name(), None);
    let frames = symbolizer.frames(id, location.instruction());
    ensure!(
        frames.iter().all(|frame| frame.function.is_some()),
        "{frames:?}"
    );
    Ok(frames.len())
}

const fn verdict(is_kept: bool) -> &'static str {
    if is_kept { "pass" } else { "FAIL" }
}

/// Seconds that this thread has run.
fn processor_seconds() -> Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?;
    Ok(Duration::from(time).as_secs_f64())
}

/// Resident megabytes of this process.
fn resident() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let size: f64 = size.context("no resident size")?.parse()?;
    Ok(size * 1024.0 / MEGABYTE)
}

/// The process that is sampled.
struct Worker(Child);

impl Worker {
    fn start() -> Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg("--work")
            .stdin(Stdio::piped())
            .spawn()?;
        Ok(Self(child))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Fails only where it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn samples(thread: &Traced) -> Result<Vec<UserStack>> {
    let mut unwinder = Unwinder::new();
    let mut samples = Vec::new();
    while samples.len() < DIFFERENT {
        let sample = thread.sample()?;
        // Not before it has begun.
        let unwound = unwinder.unwind(thread.process(), &sample);
        if unwound.end == StackEnd::Entry && unwound.locations.len() > 10 {
            samples.push(sample);
        }
    }
    Ok(samples)
}
