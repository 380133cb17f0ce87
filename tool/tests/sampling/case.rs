//! Watching the workload.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, Result, ensure};
use copytax::model::{Engine, Loss, RawSample};
use copytax::probe::{SampleReader, Sampling, Session};
use copytax_common::{Filter, FilterMode, SamplingConfig, TARGET_ACTIVE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::moves::READY;

/// How long a sample is waited for before the end is looked for.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 5_000_000,
};

/// Call sites by this interval, and no cap that anything reaches.
pub(crate) fn every(interval: u64) -> Sampling {
    Sampling {
        calls: SamplingConfig {
            read_interval: interval,
            zero_copy_interval: interval,
            other_interval: interval,
            samples_per_second: 10_000_000,
            stack_bytes: 4_096,
            cpu_interval_ns: 1_000_000_000 / copytax::probe::CPU_HERTZ,
            ..SamplingConfig::OFF
        },
        cpu: false,
    }
}

/// What was sampled of a workload, and what it did.
pub(crate) struct Watched {
    pub(crate) samples: Vec<RawSample>,
    /// Bytes by kind, as the workload says.
    pub(crate) moved: BTreeMap<String, u64>,
    pub(crate) loss: Loss,
    pub(crate) pid: u32,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its end of the connection, and the test's.
    pub(crate) own: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// Whether samples are read while the workload runs, or when it is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Always,
    Afterwards,
}

/// Watches the workload at these moves.
pub(crate) fn watch(engine: Engine, sampling: Sampling, moves: &str) -> Result<Watched> {
    watch_reading(engine, sampling, moves, Reading::Always)
}

/// [`watch`], with a say in when samples are read.
pub(crate) fn watch_reading(
    engine: Engine,
    sampling: Sampling,
    moves: &str,
    reading: Reading,
) -> Result<Watched> {
    let folder = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let peer = listener.local_addr()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--worker", moves])
        .arg(folder.path())
        .arg(peer.port().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (mut connection, _) = listener.accept()?;
    let drain = thread::spawn(move || -> std::io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        while connection.read(&mut buffer)? != 0 {}
        Ok(())
    });
    let mut lines = BufReader::new(child.stdout.take().context("a pipe")?).lines();
    let ready = lines.next().context("a line")??;
    let own = ready.strip_prefix(READY).context("it is ready")?.trim();
    let own = own.parse()?;

    let pid = child.id();
    let nobody = Filter {
        mode: FilterMode::Pids as u32,
        ..Filter::all(std::process::id())
    };
    let mut session = Session::load(engine, &nobody, &sampling)?;
    ensure!(
        session.without_sampling().is_none(),
        "{:?}",
        session.without_sampling()
    );
    session.set_target(pid, TARGET_ACTIVE)?;
    session.attach()?;
    ensure!(
        session.without_cpu_sampling().is_none(),
        "{:?}",
        session.without_cpu_sampling()
    );

    let (over, is_over) = mpsc::channel();
    let reader = session.take_samples();
    let collector = reader.map(|reader| thread::spawn(move || collect(reader, reading, &is_over)));
    child.stdin.take().context("a pipe")?.write_all(b"go\n")?;
    let mut moved = BTreeMap::new();
    for line in lines {
        let line = line?;
        let (key, bytes) = line.split_once(' ').context("two words")?;
        moved.insert(key.to_owned(), bytes.parse()?);
    }
    ensure!(child.wait()?.success(), "the workload has failed");
    session.detach();
    if collector.is_some() {
        over.send(())?;
    }
    let collected = collector.map(|collector| collector.join().expect("it does not panic"));
    drain.join().expect("it does not panic")?;
    Ok(Watched {
        samples: collected.transpose()?.unwrap_or_default(),
        moved,
        loss: session.loss()?,
        pid,
        folder: folder.path().to_owned(),
        own,
        peer,
    })
}

fn collect(
    mut reader: SampleReader,
    reading: Reading,
    is_over: &mpsc::Receiver<()>,
) -> Result<Vec<RawSample>> {
    let mut samples = Vec::new();
    if reading == Reading::Afterwards {
        is_over.recv()?;
    }
    loop {
        let over = reading == Reading::Afterwards || is_over.try_recv().is_ok();
        reader.read(|sample| samples.push(sample));
        if over {
            break;
        }
        poll(&mut [PollFd::new(&reader, PollFlags::IN)], Some(&PAUSE))?;
    }
    ensure!(
        reader.undecodable() == 0,
        "{} records cannot be decoded",
        reader.undecodable()
    );
    Ok(samples)
}

/// The names of a path below the root of its mount, as samples have them at their end.
pub(crate) fn names(path: &Path) -> Vec<Vec<u8>> {
    path.iter()
        .skip(1)
        .map(|name| name.as_encoded_bytes().to_vec())
        .collect()
}
