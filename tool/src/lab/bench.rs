//! One path over one transport, ready to be timed.

use std::fs::File;
use std::io::{self, Seek as _};
use std::thread;
use std::time::{Duration, Instant};

use super::clock;
use super::line::{Ends, Line, Turn};
use super::memory;
use super::network::Network;
use super::paths::{Calls, Path};
use super::transports::Transport;
use super::{cold, write_pattern};
use crate::model::{LabRun, LabSeries};

/// Any number; the content only has to be the same each time.
pub(super) const SEED: u64 = 23;

/// A path whose ends are there.
pub(super) struct Bench {
    path: Path,
    lines: Vec<Line>,
    /// To be taken out of memory before each run.
    cold: Option<File>,
    series: LabSeries,
}

/// How much a run moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    /// Transfers, of each connection.
    pub(super) transfers: u64,
    pub(super) connections: u32,
    /// Whether what is read is to be on a disk, and not in memory.
    pub(super) is_cold: bool,
}

impl Bench {
    /// Makes what is needed to move that much of `file` in each run, and moves it once to make
    /// everything warm. `file` is a sealed memory file where the path maps it.
    ///
    /// # Errors
    ///
    /// `Unsupported` with the reason where this machine does not have the path; else a refused call.
    pub(super) fn new(
        path: Path,
        transport: Transport,
        file: &File,
        network: &Network,
        amount: Amount,
    ) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let ends = (0..amount.connections).map(|_| Ends::new(path, transport, file, network));
        let ends: Vec<Ends> = ends.collect::<io::Result<_>>()?;
        let before = memory::reset_peak();
        let moved = usize::try_from(size).map_err(io::Error::other)?;
        let lines = ends.into_iter().map(|ends| Line::new(path, ends, moved));
        let mut bench = Self {
            path,
            lines: lines.collect::<io::Result<_>>()?,
            cold: amount.is_cold.then(|| file.try_clone()).transpose()?,
            series: LabSeries {
                path: path.name(),
                transport: transport.name(),
                size,
                transfers: amount.transfers,
                connections: amount.connections,
                is_cold: amount.is_cold,
                ..LabSeries::default()
            },
        };
        bench.run()?;
        bench.series.resident = memory::peak_since(before);
        Ok(bench)
    }

    /// One run that counts.
    pub(super) fn measure(&mut self) -> io::Result<()> {
        let (run, latencies) = self.run()?;
        self.series.runs.push(run);
        self.series.latencies.extend(latencies);
        Ok(())
    }

    /// What was measured.
    pub(super) fn finish(mut self) -> LabSeries {
        let (mut calls, mut calls_of_ends) = (Calls::default(), Calls::default());
        for line in &self.lines {
            let (of_line, of_ends) = line.calls();
            calls.add(of_line);
            calls_of_ends.add(of_ends);
        }
        self.series.calls = calls.by_call();
        self.series.other_calls = calls.others();
        self.series.calls_of_ends = calls_of_ends.by_call();
        self.series
    }

    fn run(&mut self) -> io::Result<(LabRun, Vec<Duration>)> {
        if let Some(file) = &self.cold {
            cold::cool(file)?;
        }
        self.series.all_runs += 1;
        let (cpu, start) = (self.cpu_time()?, Instant::now());
        let transfers = self.series.transfers;
        let turns = at_once(&mut self.lines, transfers, transfers * self.series.size)?;
        let wall = start.elapsed();
        let run = turns.iter().map(|turn| turn.run).reduce(LabRun::with);
        let mut run = LabRun {
            wall,
            ..run.unwrap_or_default()
        };
        if let (Some(before), Some(after)) = (cpu, self.cpu_time()?) {
            run.cpu = after.saturating_sub(before);
            // These are of the thread alone.
            (run.modes, run.cycles) = (None, None);
        }
        if turns.len() > 1 {
            // All but one were on threads of this run alone. What no tick has met, the kernel takes for time in
            // userspace (`cputime_adjust`, `kernel/sched/cputime.c`, Linux 6.12).
            run.modes = None;
        }
        let latencies = turns.into_iter().flat_map(|turn| turn.latencies);
        Ok((run, latencies.collect()))
    }

    /// What all of this process but the far ends has had of processors; `None` where the threads of the
    /// lines do all of the work, and tell it better.
    fn cpu_time(&self) -> io::Result<Option<Duration>> {
        if !self.path.method.has_workers() {
            return Ok(None);
        }
        let all = clock::of_process()?;
        let ends = self.lines.iter().map(Line::cpu_time_of_ends);
        Ok(Some(all.saturating_sub(ends.sum::<io::Result<_>>()?)))
    }
}

/// Runs all lines, each on a thread, the first on this one.
fn at_once(lines: &mut [Line], transfers: u64, bytes: u64) -> io::Result<Vec<Turn>> {
    let Some((first, others)) = lines.split_first_mut() else {
        return Ok(Vec::new());
    };
    thread::scope(|scope| {
        let others = others.iter_mut();
        let others: Vec<_> = others
            .map(|line| scope.spawn(move || line.run(transfers, bytes)))
            .collect();
        let mut turns = vec![first.run(transfers, bytes)];
        turns.extend(others.into_iter().map(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|_| Err(io::Error::other("a thread failed")))
        }));
        turns.into_iter().collect()
    })
}

/// A file of the file system for temporary files that has no name, and so goes with this process.
pub(super) fn temporary_file(bytes: u64) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    write_pattern(&file, bytes, SEED)?;
    // Nothing is to be written to the disk while runs are timed.
    file.sync_all()?;
    file.rewind()?;
    Ok(file)
}
