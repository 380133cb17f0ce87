//! What is measured, and in which order.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use super::bench::{Bench, SEED};
use super::memory;
use super::memory_file;
use super::paths::Path;
use super::transports::Transport;
use crate::model::LabSeries;

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
}

impl Plan {
    /// What is to be measured, in the order of reports: by transport, size and path.
    #[must_use]
    pub fn combinations(&self) -> Vec<(Transport, u64, Path)> {
        let mut all = Vec::new();
        for &transport in &self.transports {
            for &size in &self.sizes {
                let paths = self.paths.iter().filter(|path| path.fits(transport));
                all.extend(paths.map(|&path| (transport, size, path)));
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
    pub fn run(&self, mut progress: impl FnMut(u64, u64)) -> io::Result<Vec<LabSeries>> {
        self.check_memory()?;
        let (mut benches, mut files) = (Vec::new(), BTreeMap::new());
        for (transport, size, path) in self.combinations() {
            let transfers = self.bytes_of_run.div_ceil(size).clamp(1, MOST_TRANSFERS);
            let file = match files.entry(size) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(none) => none.insert(memory_file("copytax-lab", size, SEED)?),
            };
            let bench = Bench::new(path, transport, file, transfers);
            let mut bench = bench.map_err(|error| of(path, transport, &error))?;
            let warm = bench.warm_up();
            warm.map_err(|error| of(path, transport, &error))?;
            benches.push((path, transport, bench));
        }
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
        Ok(finished.map(|(_, _, bench)| bench.finish()).collect())
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
        };
        let mut rounds = Vec::new();
        let series = plan.run(|done, all| rounds.push((done, all)));
        let series = series.expect("this machine can do all of it");
        assert_eq!(series.len(), plan.combinations().len());
        assert_eq!(rounds.len(), series.len());
        for one in series {
            let bytes = one.size * one.transfers * 2;
            assert_eq!((one.all_runs, one.runs.len()), (2, 1), "{one:?}");
            let by = |call| one.calls.get(&call).map_or(0, |sum| sum.bytes);
            let out = match one.path {
                "sendfile" => by(Call::Sendfile),
                "copy-file-range" => by(Call::CopyFileRange),
                "zerocopy" => by(Call::Sendto),
                "vmsplice" => by(Call::Splice),
                path if path.contains("splice") => by(Call::Splice) / 2,
                _ => by(Call::Write),
            };
            assert_eq!(out, bytes, "{one:?}");
            if one.transport != "file" {
                assert_eq!(one.calls_of_ends[&Call::Recvfrom].bytes, bytes, "{one:?}");
            }
        }
    }
}
