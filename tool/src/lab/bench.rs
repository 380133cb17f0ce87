//! One path over one transport, ready to be timed.

use std::fs::File;
use std::io::{self, Seek as _};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use nix::time::{ClockId, clock_gettime};

use super::ends::End;
use super::paths::{Calls, Courier, Job, Path};
use super::transports::Transport;
use super::write_pattern;
use crate::model::{LabRun, LabSeries};

/// Any number; the content only has to be the same each time.
pub(super) const SEED: u64 = 23;

/// A path whose ends are there.
///
/// The order of the fields is that of their end: the far ends wait for the courier's sockets.
pub(super) struct Bench {
    courier: Courier,
    source: Option<End>,
    sink: Option<End>,
    calls_of_ends: Calls,
    series: LabSeries,
}

impl Bench {
    /// Makes what is needed to move `transfers` times the bytes of `file`, a sealed memory file, in each
    /// run.
    pub(super) fn new(
        path: Path,
        transport: Transport,
        file: &File,
        transfers: u64,
    ) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let (courier_from, source) = match path.job {
            // Paths have turns, and move it from its beginning: they may share its position.
            Job::Send => (file.try_clone()?.into(), None),
            Job::Copy => (temporary_file(size)?.into(), None),
            Job::Relay => {
                let (near, far) = transport.pair()?;
                (near, Some(End::feed(far)?))
            }
        };
        let (courier_to, sink) = match path.job {
            Job::Copy => (OwnedFd::from(tempfile::tempfile()?), None),
            Job::Send | Job::Relay => {
                let (near, far) = transport.pair()?;
                (near, Some(End::drain(far)?))
            }
        };
        let moved = usize::try_from(size).map_err(io::Error::other)?;
        Ok(Self {
            courier: Courier::new(path, courier_from, courier_to, moved)?,
            source,
            sink,
            calls_of_ends: Calls::default(),
            series: LabSeries {
                path: path.name(),
                transport: transport.name(),
                size,
                transfers,
                ..LabSeries::default()
            },
        })
    }

    /// One run that only makes everything warm.
    pub(super) fn warm_up(&mut self) -> io::Result<()> {
        self.run().map(|_| ())
    }

    /// One run that counts.
    pub(super) fn measure(&mut self) -> io::Result<()> {
        let run = self.run()?;
        self.series.runs.push(run);
        Ok(())
    }

    /// What was measured.
    pub(super) fn finish(mut self) -> LabSeries {
        let calls = self.courier.calls();
        self.series.calls = calls.by_call();
        self.series.other_calls = calls.others();
        self.series.calls_of_ends = self.calls_of_ends.by_call();
        self.series
    }

    fn run(&mut self) -> io::Result<LabRun> {
        self.series.all_runs += 1;
        let bytes = self.series.size * self.series.transfers;
        let (usage, cpu, start) = (usage()?, cpu_time()?, Instant::now());
        for end in self.source.iter().chain(&self.sink) {
            end.order(bytes)?;
        }
        for _ in 0..self.series.transfers {
            self.courier.transfer()?;
        }
        for end in self.source.iter().chain(&self.sink) {
            self.calls_of_ends.add(&end.wait()?);
        }
        self.courier.finish()?;
        let wall = start.elapsed();
        Ok(LabRun {
            wall,
            cpu: cpu_time()?.saturating_sub(cpu),
            ..difference(&usage, &self::usage()?)
        })
    }
}

/// A file of the file system for temporary files that has no name, and so goes with this process.
fn temporary_file(bytes: u64) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    write_pattern(&file, bytes, SEED)?;
    file.rewind()?;
    Ok(file)
}

fn usage() -> io::Result<Usage> {
    Ok(getrusage(UsageWho::RUSAGE_THREAD)?)
}

/// What this thread has had of processors. `getrusage` knows it as of the last clock tick only
/// (`task_cputime_adjusted`, `kernel/sched/cputime.c`, 6.18).
fn cpu_time() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn difference(before: &Usage, after: &Usage) -> LabRun {
    let micros = |before: nix::sys::time::TimeVal, after: nix::sys::time::TimeVal| {
        let micros = (after - before).num_microseconds();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    let more = |before: i64, after: i64| u64::try_from(after - before).unwrap_or(0);
    LabRun {
        user: micros(before.user_time(), after.user_time()),
        system: micros(before.system_time(), after.system_time()),
        context_switches: more(
            before.voluntary_context_switches() + before.involuntary_context_switches(),
            after.voluntary_context_switches() + after.involuntary_context_switches(),
        ),
        page_faults: more(
            before.minor_page_faults() + before.major_page_faults(),
            after.minor_page_faults() + after.major_page_faults(),
        ),
        ..LabRun::default()
    }
}
