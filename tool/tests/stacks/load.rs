//! Samples of a program that has something to do.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Result, ensure};
use copytax::model::StackEnd;
use copytax::stack::unwind::{Unwinder, Unwound};

use crate::sampler::Traced;

/// Samples of each program.
const SAMPLES: usize = 2_000;

/// Share of stacks that must reach the entry of their thread.
const SHARE: f64 = 0.98;

/// Does something while `work` is done again and again. What it does is told whether the work has failed.
pub(crate) fn during<T>(
    work: impl Fn() -> Result<()> + Sync,
    does: impl FnOnce(&dyn Fn() -> bool) -> Result<T>,
) -> Result<T> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                work()?;
            }
            anyhow::Ok(())
        });
        let done = does(&|| worker.is_finished());
        is_over.store(true, Ordering::Relaxed);
        worker.join().expect("the client does not panic")?;
        done
    })
}

/// Stacks of a process.
pub(crate) struct Samples {
    pub(crate) stacks: Vec<Unwound>,
    /// Bytes from the top of each stack to its end, as far as they are copied.
    sizes: Vec<usize>,
}

impl Samples {
    /// Samples all threads of a process in turn, while `work` is done again and again.
    pub(crate) fn take(process: u32, work: impl Fn() -> Result<()> + Sync) -> Result<Self> {
        during(work, |has_failed| Self::of_threads(process, has_failed))
    }

    fn of_threads(process: u32, has_failed: &dyn Fn() -> bool) -> Result<Self> {
        let threads = Traced::attach_all(process)?;
        let mut unwinder = Unwinder::new();
        let (mut stacks, mut sizes) = (Vec::new(), Vec::new());
        for thread in threads.iter().cycle() {
            if stacks.len() == SAMPLES {
                break;
            }
            ensure!(!has_failed(), "there is nothing to do any more");
            ensure!(
                !threads.iter().all(Traced::has_ended),
                "all threads have ended"
            );
            // A server may have a thread for each request.
            let sample = match thread.sample() {
                Ok(sample) => sample,
                Err(_) if thread.has_ended() => continue,
                Err(error) => return Err(error),
            };
            sizes.push(sample.memory.len());
            stacks.push(unwinder.unwind(thread.process(), &sample));
        }
        Ok(Self { stacks, sizes })
    }

    /// Fails unless nearly all of the stacks reach the entry of their thread. Says how large they were.
    pub(crate) fn reach_entry(&self, name: &str) -> Result<()> {
        let reach = |end| self.stacks.iter().filter(|stack| stack.end == end).count();
        let entry = reach(StackEnd::Entry);
        let frames: usize = self.stacks.iter().map(|stack| stack.locations.len()).sum();
        let bytes: usize = self.sizes.iter().sum();
        // Not by eprintln!, which the harness keeps to itself when a test passes.
        writeln!(
            std::io::stderr(),
            "{name}: {entry} of {SAMPLES} stacks reach the entry, {} are cut; \
             {} frames and {} bytes on average, {} bytes at most",
            reach(StackEnd::Cut),
            frames / SAMPLES,
            bytes / SAMPLES,
            self.sizes.iter().max().unwrap_or(&0),
        )?;
        let broken = self
            .stacks
            .iter()
            .find(|stack| stack.end == StackEnd::Broken);
        ensure!(
            entry as f64 >= SHARE * SAMPLES as f64,
            "{entry} of {SAMPLES} stacks of {name} reach the entry; one that does not: {broken:#x?}"
        );
        Ok(())
    }
}
