//! What is measured, and in which order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use super::awake::Awake;
use super::bench::{Amount, Bench, SEED, temporary_file};
use super::memory;
use super::memory_file;
use super::network::Network;
use super::paths::{Job, Path};
use super::transports::Transport;
use crate::model::{LabSeries, LabUnavailable};

/// Transfers of a run, however small they are: enough to be timed.
const MOST_TRANSFERS: u64 = 4096;

/// The paths, transports and sizes to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Which paths, over those transports that each can take.
    pub paths: Vec<Path>,
    /// Which transports.
    pub transports: Vec<Transport>,
    /// Bytes of a transfer, at least 1.
    pub sizes: Vec<u64>,
    /// Bytes that a run moves at least, by as many transfers as that takes, up to 4096.
    pub bytes_of_run: u64,
    /// Runs of each that count.
    pub runs: u32,
    /// Connections at once, at least 1; each moves as much.
    pub connections: Vec<u32>,
    /// Whether files are to be on a disk, and not in memory, before each run, which then is one transfer.
    pub is_cold: bool,
}

/// One of what a plan measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// Over what.
    pub transport: Transport,
    /// Connections at once.
    pub connections: u32,
    /// Bytes of a transfer.
    pub size: u64,
    /// By what.
    pub path: Path,
}

/// What a plan came to.
#[derive(Debug, Default)]
pub struct Measured {
    /// In the order of [`Plan::combinations`].
    pub series: Vec<LabSeries>,
    /// Those of the combinations that this machine does not have.
    pub unavailable: Vec<LabUnavailable>,
    /// Whether processors could be kept awake.
    pub is_awake: bool,
}

/// What is ready to be measured.
#[derive(Default)]
struct Ready {
    benches: Vec<(Path, Transport, Bench)>,
    unavailable: Vec<LabUnavailable>,
}

impl Plan {
    /// What is to be measured, in the order of reports: by transport, connections, size and path.
    #[must_use]
    pub fn combinations(&self) -> Vec<Combination> {
        let mut all = Vec::new();
        for &transport in &self.transports {
            for &connections in &self.connections {
                for &size in &self.sizes {
                    let fits = |path: &&Path| {
                        path.fits(transport) && (!self.is_cold || path.reads_a_file())
                    };
                    let paths = self.paths.iter().filter(fits);
                    all.extend(paths.map(|&path| Combination {
                        transport,
                        connections,
                        size,
                        path,
                    }));
                }
            }
        }
        all
    }

    /// Files of all sizes are in memory, which others need as well.
    fn check_memory(&self) -> io::Result<()> {
        let needed = self
            .sizes
            .iter()
            .fold(0_u64, |sum, size| sum.saturating_add(*size));
        match memory::available() {
            Some(available) if needed > available / 2 => Err(io::Error::new(
                io::ErrorKind::OutOfMemory,
                "transfers of that size take more than half of the memory that is available",
            )),
            _ => Ok(()),
        }
    }

    /// Measures. Runs of different paths take turns, so that what the machine does meanwhile meets
    /// all of them; every other round in the opposite order. `progress` is told which run comes, of how
    /// many.
    ///
    /// # Errors
    ///
    /// What the kernel refuses, with the path that it refused.
    pub fn run(&self, mut progress: impl FnMut(u64, u64)) -> io::Result<Measured> {
        self.check_memory()?;
        let Ready {
            mut benches,
            unavailable,
        } = self.prepare()?;
        let awake = Awake::stay();
        let all = benches.len() as u64 * u64::from(self.runs);
        let mut done = 0;
        for _ in 0..self.runs {
            for (path, transport, bench) in &mut benches {
                progress(done, all);
                let measured = bench.measure();
                measured.map_err(|error| of(*path, *transport, &error))?;
                done += 1;
            }
            benches.reverse();
        }
        if self.runs % 2 == 1 {
            benches.reverse();
        }
        let finished = benches.into_iter();
        Ok(Measured {
            series: finished.map(|(_, _, bench)| bench.finish()).collect(),
            unavailable,
            is_awake: awake.is_some(),
        })
    }

    fn prepare(&self) -> io::Result<Ready> {
        let (mut ready, mut files) = (Ready::default(), BTreeMap::new());
        let mut network = Network::default();
        for combination in self.combinations() {
            let Combination {
                transport,
                size,
                path,
                ..
            } = combination;
            // What is read or cloned is where servers have their files; only a sealed file may be mapped.
            let is_in_folder = path.reads_a_file() || matches!(path.job, Job::Copy);
            let file = match files.entry((size, is_in_folder)) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(none) if is_in_folder => none.insert(temporary_file(size)?),
                Entry::Vacant(none) => none.insert(memory_file("copytax-lab", size, SEED)?),
            };
            let bench = network.prepare(transport).and_then(|()| {
                Bench::new(path, transport, file, &network, self.amount(combination))
            });
            match bench {
                Ok(bench) => ready.benches.push((path, transport, bench)),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    let reason = LabUnavailable {
                        path: path.name(),
                        transport: transport.name(),
                        reason: error.to_string(),
                    };
                    // The same at every size, for all connections.
                    if !ready.unavailable.contains(&reason) {
                        ready.unavailable.push(reason);
                    }
                }
                Err(error) => return Err(of(path, transport, &error)),
            }
        }
        Ok(ready)
    }

    fn amount(&self, of: Combination) -> Amount {
        let of_all = of.size.saturating_mul(of.connections.into());
        let transfers = self.bytes_of_run.div_ceil(of_all);
        Amount {
            transfers: if self.is_cold {
                1
            } else {
                transfers.clamp(1, MOST_TRANSFERS)
            },
            connections: of.connections,
            is_cold: self.is_cold,
        }
    }
}

fn of(path: Path, transport: Transport, error: &io::Error) -> io::Error {
    let transport = transport.name();
    io::Error::new(error.kind(), format!("{path} over {transport}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Call;

    #[test]
    fn every_path_moves_every_byte_that_it_counts() {
        let plan = Plan {
            paths: Path::ALL.to_vec(),
            transports: Transport::ALL.to_vec(),
            sizes: vec![100_003],
            bytes_of_run: 300_009,
            runs: 1,
            connections: vec![2],
            is_cold: false,
        };
        let mut rounds = Vec::new();
        let measured = plan.run(|done, all| rounds.push((done, all)));
        let Measured {
            series,
            unavailable,
            ..
        } = measured.expect("this machine can do all that it has");
        let all = series.len() + unavailable.len();
        assert_eq!(all, plan.combinations().len(), "{unavailable:?}");
        assert_eq!(rounds.len(), series.len());
        for one in series {
            let bytes = one.bytes_of_run() * 2;
            assert_eq!((one.all_runs, one.runs.len()), (2, 1), "{one:?}");
            assert_eq!(one.size * 4, bytes / one.transfers, "{one:?}");
            let by = |call| one.calls.get(&call).map_or(0, |sum| sum.bytes);
            let out = match one.path {
                "copy-reflink" => continue,
                "sendfile" | "tls-sendfile" => by(Call::Sendfile),
                "copy-file-range" => by(Call::CopyFileRange),
                "zerocopy" | "read+more-4k" => by(Call::Sendto),
                "vmsplice" | "vmsplice-gift" => by(Call::Splice),
                "uring-read+send" => by(Call::UringSend),
                "uring-splice" => by(Call::UringSplice) / 2,
                "uring-send-zc" | "uring-send-zcf" => by(Call::UringSendZc),
                "tee" => by(Call::Tee),
                "tls-rustls" => by(Call::Read),
                path if path.contains("splice") => by(Call::Splice) / 2,
                _ => by(Call::Write),
            };
            assert_eq!(out, bytes, "{one:?}");
            if one.transport != "file" {
                let readers = if one.path == "tee" { 2 } else { 1 };
                let received = one.calls_of_ends[&Call::Recvfrom].bytes;
                if one.path.starts_with("tls") {
                    assert!(received > bytes, "{one:?}");
                } else {
                    assert_eq!(received, bytes * readers, "{one:?}");
                }
            }
        }
    }
}
