//! One connection: a path between its ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use super::clock;
use super::cycles::Cycles;
use super::ends::End;
use super::network::Network;
use super::paths::{Calls, Courier, Job, Path};
use super::transports::Transport;
use super::usage;
use crate::model::LabRun;

/// Transfers of a run whose time is taken at most: telling the time takes some, too.
const TIMED: u64 = 256;

/// A courier with the far ends that it needs.
///
/// The order of the fields is that of their end: the far ends wait for the courier's sockets.
pub(super) struct Line {
    courier: Courier,
    ends: Vec<End>,
    calls_of_ends: Calls,
}

/// What a run of a line came to.
pub(super) struct Turn {
    /// Without the wall time.
    pub(super) run: LabRun,
    /// How long some of its transfers took.
    pub(super) latencies: Vec<Duration>,
}

/// The sockets and files between which a courier goes, and who is at their other ends.
pub(super) struct Ends {
    near: (OwnedFd, OwnedFd),
    second: Option<OwnedFd>,
    far: Vec<End>,
}

impl Ends {
    /// `source` is what is sent or copied; where it is copied to has no name, and so goes with this process.
    pub(super) fn new(
        path: Path,
        transport: Transport,
        source: &File,
        network: &Network,
    ) -> io::Result<Self> {
        let mut far = Vec::new();
        let drained = |far: &mut Vec<End>| {
            let (near, end) = network.pair(transport)?;
            far.push(End::drain(end, path.makes_records())?);
            io::Result::Ok(near)
        };
        let from = match path.job {
            Job::Send | Job::Copy => opened_again(source)?.into(),
            Job::Relay => {
                let (near, end) = network.pair(transport)?;
                far.push(End::feed(end)?);
                near
            }
        };
        let to = match path.job {
            Job::Copy => OwnedFd::from(tempfile::tempfile()?),
            Job::Send | Job::Relay => drained(&mut far)?,
        };
        let second = path.has_two_readers().then(|| drained(&mut far));
        Ok(Self {
            near: (from, to),
            second: second.transpose()?,
            far,
        })
    }
}

/// The same file with a position of its own: lines move it at the same time.
fn opened_again(file: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

impl Line {
    /// One that moves `size` bytes at a time between these ends.
    pub(super) fn new(path: Path, ends: Ends, size: usize) -> io::Result<Self> {
        Ok(Self {
            courier: Courier::new(path, ends.near, ends.second, size)?,
            ends: ends.far,
            calls_of_ends: Calls::default(),
        })
    }

    /// Moves so many transfers, `bytes` in all, on this thread.
    pub(super) fn run(&mut self, transfers: u64, bytes: u64) -> io::Result<Turn> {
        let mut latencies = Vec::new();
        let cycles = Cycles::start();
        let (usage, cpu) = (usage::of_this_thread()?, clock::of_this_thread()?);
        for end in &self.ends {
            end.order(bytes)?;
        }
        let step = transfers.div_ceil(TIMED);
        for transfer in 0..transfers {
            if transfer % step == 0 {
                let start = Instant::now();
                self.courier.transfer()?;
                latencies.push(start.elapsed());
            } else {
                self.courier.transfer()?;
            }
        }
        for end in &self.ends {
            self.calls_of_ends.add(&end.wait()?);
        }
        self.courier.finish()?;
        Ok(Turn {
            run: LabRun {
                cpu: clock::of_this_thread()?.saturating_sub(cpu),
                cycles: cycles.and_then(Cycles::stop),
                ..usage::difference(&usage, &usage::of_this_thread()?)
            },
            latencies,
        })
    }

    /// What its far ends have had of processors.
    pub(super) fn cpu_time_of_ends(&self) -> io::Result<Duration> {
        self.ends.iter().map(End::cpu_time).sum()
    }

    /// What it called so far, and its far ends.
    pub(super) fn calls(&self) -> (&Calls, &Calls) {
        (self.courier.calls(), &self.calls_of_ends)
    }
}
