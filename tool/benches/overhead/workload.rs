//! Tight loops of calls.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::child::Timing;
use crate::support::statistics;

/// What a loop does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// `read` of 8 bytes of /dev/zero.
    Read,
    /// `write` of 8 bytes to /dev/null.
    Write,
    /// `read` of 8 bytes of /dev/zero, then `write` of them to /dev/null: always a relay.
    Pair,
    /// `getppid`: a call that nobody asked about.
    Getppid,
    /// 16 KiB of a file in the page cache to /dev/null.
    RelayNull,
    /// 16 KiB of a file in the page cache to a unix socket that a thread on another CPU reads.
    RelaySocket,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::Pair,
        Self::Getppid,
        Self::RelayNull,
        Self::RelaySocket,
    ];

    /// For the line from parent to child.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Pair => "pair",
            Self::Getppid => "getppid",
            Self::RelayNull => "relay-null",
            Self::RelaySocket => "relay-socket",
        }
    }

    /// The workload of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }

    /// For the heads of the tables.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Pair => "read, then write of the same",
            Self::Getppid => "getppid",
            Self::RelayNull => "16 KiB, file to /dev/null",
            Self::RelaySocket => "16 KiB, file to unix socket",
        }
    }

    /// Whether it moves blocks of a realistic size.
    pub(crate) const fn is_realistic(self) -> bool {
        matches!(self, Self::RelayNull | Self::RelaySocket)
    }

    /// Calls of a batch that takes about a millisecond.
    const fn batch(self) -> u32 {
        match self {
            Self::Read | Self::Write | Self::Getppid => 2_000,
            Self::Pair => 1_000,
            Self::RelayNull | Self::RelaySocket => 200,
        }
    }
}

/// Bytes of a block of the realistic relays.
const BLOCK: usize = 16 * 1024;
/// Blocks of the file that they read.
const BLOCKS: u32 = 512;

/// The descriptors that the loops use.
pub(crate) struct Bench {
    zero: File,
    null: File,
    file: File,
    socket: UnixStream,
    block: Vec<u8>,
    next: u32,
}

impl Bench {
    /// Pins this thread to a CPU and opens everything.
    pub(crate) fn new() -> Result<Self> {
        let mut file = tempfile::tempfile()?;
        let mut random = fastrand::Rng::with_seed(7);
        let mut block = vec![0; BLOCK];
        for _ in 0..BLOCKS {
            random.fill(&mut block);
            file.write_all(&block)?;
        }
        let (socket, mut other_end) = UnixStream::pair()?;
        thread::spawn(move || {
            let mut buffer = vec![0; 16 * BLOCK];
            while other_end.read(&mut buffer).is_ok_and(|length| length > 0) {}
        });
        pin_to_last_cpu()?;
        Ok(Self {
            zero: File::open("/dev/zero")?,
            null: File::options().write(true).open("/dev/null")?,
            file,
            socket,
            block,
            next: 0,
        })
    }

    /// Times `calls` calls, after a batch to warm up.
    pub(crate) fn measure(&mut self, workload: Workload, calls: u32) -> Result<Timing> {
        let batch = workload.batch().min(calls.max(1));
        self.batch(workload, batch)?;
        let mut times = Vec::new();
        for _ in 0..calls.div_ceil(batch) {
            let begin = Instant::now();
            self.batch(workload, batch)?;
            times.push(begin.elapsed().as_nanos() as f64 / f64::from(batch));
        }
        Ok(Timing {
            best: statistics::best(&times),
            median: statistics::median(&times),
        })
    }

    fn batch(&mut self, workload: Workload, calls: u32) -> Result<()> {
        // Of rustix: the bare system call, without what libc does for the cancellation of threads.
        let mut word = [0u8; 8];
        match workload {
            Workload::Read => {
                for _ in 0..calls {
                    rustix::io::read(&self.zero, &mut word)?;
                }
            }
            Workload::Write => {
                for _ in 0..calls {
                    rustix::io::write(&self.null, &word)?;
                }
            }
            Workload::Pair => {
                for _ in 0..calls {
                    rustix::io::read(&self.zero, &mut word)?;
                    rustix::io::write(&self.null, &word)?;
                }
            }
            Workload::Getppid => {
                for _ in 0..calls {
                    std::hint::black_box(rustix::process::getppid());
                }
            }
            Workload::RelayNull => {
                for _ in 0..calls {
                    self.read_block()?;
                    rustix::io::write(&self.null, &self.block)?;
                }
            }
            Workload::RelaySocket => {
                for _ in 0..calls {
                    self.read_block()?;
                    self.socket.write_all(&self.block)?;
                }
            }
        }
        Ok(())
    }

    fn read_block(&mut self) -> Result<()> {
        let offset = u64::from(self.next) * BLOCK as u64;
        self.file.read_exact_at(&mut self.block, offset)?;
        self.next = (self.next + 1) % BLOCKS;
        Ok(())
    }
}

/// The first CPU tends to serve the interrupts.
fn pin_to_last_cpu() -> Result<()> {
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU)
        .rev()
        .find(|cpu| allowed.is_set(*cpu))
        .context("no CPU to run on")?;
    let mut only = CpuSet::new();
    only.set(last);
    sched_setaffinity(None, &only)?;
    Ok(())
}
