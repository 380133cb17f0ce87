//! Shares of call sites against those that the workload knows: intervals of 95 % must be that.
//!
//! `sampling --seeds COUNT FILE PORT TRUTH` runs a process for each seed, `sampling --seed NUMBER FILE
//! PORT` is such a process: its five call sites move bytes in calls of very different sizes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use copytax::analysis::{calibrate, culprits};
use copytax::capture::{self, EngineChoice, Profiling, Settings, Target};
use copytax::model::{Engine, SiteKind, Snapshot};

use crate::moves;

/// Processes. So many that what has 95 % hardly ever shows less than 93.
const SEEDS: usize = 600;
const LEAST_PERCENT: usize = 93;

/// Bytes that each of them moves, about.
const BYTES: f64 = 16_777_216.0;

type Site = fn(&File, &TcpStream, &mut [u8]) -> io::Result<()>;

/// Each in its own function, which moves `$size` bytes with one read and one write.
macro_rules! sites {
    ($($name:ident: $size:expr),*) => {
        $(
            #[inline(never)]
            fn $name(file: &File, mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
                let part = &mut buffer[..$size];
                file.read_exact_at(part, 0)?;
                socket.write_all(part)?;
                black_box(());
                Ok(())
            }
        )*
        const SITES: [(&str, usize, Site); 5] = [$((stringify!($name), $size, $name)),*];
    };
}

sites!(site_a: 512, site_b: 4_096, site_c: 32_768, site_d: 262_144, site_e: 1 << 20);

/// `--seeds`
pub(crate) fn run_all(words: &[String]) -> ExitCode {
    let count: u64 = words[0].parse().expect("a number");
    let mut truth = String::new();
    // All stay until the end: who has ended has no memory to unwind its last stacks with.
    let mut children = Vec::new();
    for seed in 0..count {
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .args(["--seed", &seed.to_string(), &words[1], &words[2]])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        truth += &said.lines().next().expect("a line").expect("text");
        truth.push('\n');
        children.push(child);
    }
    for mut child in children {
        drop(child.stdin.take());
        assert!(child.wait().expect("a child").success());
    }
    fs::write(&words[3], truth).expect("the truth");
    ExitCode::SUCCESS
}

/// `--seed`: prints its pid and the bytes of each site.
pub(crate) fn run_one(words: &[String]) -> ExitCode {
    let mut random = fastrand::Rng::with_seed(words[0].parse().expect("a number"));
    let file = File::open(&words[1]).expect("the file");
    let port: u16 = words[2].parse().expect("a port");
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the test listens");
    let parts = SITES.map(|_| 0.1 + random.f64());
    let sum: f64 = parts.iter().sum();
    let mut order = Vec::new();
    let mut bytes = [0; SITES.len()];
    for (index, (_, size, _)) in SITES.iter().enumerate() {
        let calls = (BYTES * parts[index] / sum / *size as f64).round().max(1.0) as usize;
        order.extend(std::iter::repeat_n(index, calls));
        bytes[index] = calls * size;
    }
    random.shuffle(&mut order);
    let mut buffer = vec![0; 1 << 20];
    for index in order {
        SITES[index].2(&file, &socket, &mut buffer).expect("it works");
    }
    drop((buffer, socket));
    println!(
        "{} {}",
        std::process::id(),
        bytes.map(|bytes| bytes.to_string()).join(" ")
    );
    let end = io::stdin().read(&mut [0]);
    assert_eq!(end.expect("a pipe"), 0);
    ExitCode::SUCCESS
}

/// With the interval that nothing widens.
pub(crate) fn are_within_their_intervals(engine: Engine) -> Result<()> {
    let snapshot = check(engine, 65_536, 1_000_000)?;
    let sampling = &snapshot.profile.sampling;
    ensure!(
        sampling.widest_interval == sampling.first_interval,
        "{sampling:?}"
    );
    Ok(())
}

/// More samples are wanted than allowed.
pub(crate) fn stay_within_under_the_cap(engine: Engine) -> Result<()> {
    let snapshot = check(engine, 4_096, 10_000)?;
    let sampling = &snapshot.profile.sampling;
    let kind = SiteKind::Bounced as usize;
    ensure!(
        sampling.widest_interval[kind] >= 4 * sampling.first_interval[kind],
        "{sampling:?}"
    );
    Ok(())
}

fn check(engine: Engine, interval: u64, samples_per_second: u32) -> Result<Snapshot> {
    let folder = tempfile::tempdir()?;
    moves::prepare(folder.path())?;
    let truth = folder.path().join("truth");
    let mut snapshot = watch(engine, interval, samples_per_second, |port| {
        vec![
            "--seeds".into(),
            SEEDS.to_string().into(),
            moves::path(folder.path()).into(),
            port.to_string().into(),
            truth.clone().into(),
        ]
    })?;
    let truth = read_truth(&fs::read_to_string(truth)?)?;
    calibrate(&mut snapshot);
    ensure!(truth.len() == SEEDS, "{} processes", truth.len());
    let mut within = [0; SITES.len()];
    for (&pid, bytes) in &truth {
        for (index, is_within) in compare(&snapshot, pid, bytes)?.into_iter().enumerate() {
            within[index] += usize::from(is_within);
        }
    }
    let sampling = &snapshot.profile.sampling;
    eprintln!("of {SEEDS}: {within:?}; {sampling:?}");
    for (count, (name, size, _)) in within.into_iter().zip(SITES) {
        ensure!(
            count * 100 >= SEEDS * LEAST_PERCENT,
            "{name}, {size} bytes: {count} of {SEEDS} are within their intervals"
        );
    }
    Ok(snapshot)
}

/// What was sampled of this program with the words that `words` makes for a port that takes all bytes.
fn watch(
    engine: Engine,
    interval: u64,
    samples_per_second: u32,
    words: impl FnOnce(u16) -> Vec<std::ffi::OsString>,
) -> Result<Snapshot> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    // Ends with the test.
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        for connection in listener.incoming().flatten() {
            let mut connection = connection;
            while connection.read(&mut buffer).is_ok_and(|bytes| bytes != 0) {}
        }
    });
    let mut command = vec![std::env::current_exe()?.into_os_string()];
    command.extend(words(port));
    let settings = Settings {
        target: Target::Command(command),
        duration: None,
        engine: match engine {
            Engine::Raw => EngineChoice::Raw,
            Engine::Tracepoint => EngineChoice::Tracepoint,
        },
        profiling: Some(Profiling {
            interval,
            samples_per_second,
            cpu: false,
            ..Profiling::default()
        }),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(capture::live(&settings, std::future::pending()))?)
}

/// Bytes of each site, by pid.
fn read_truth(text: &str) -> Result<BTreeMap<u32, Vec<f64>>> {
    text.lines()
        .map(|line| {
            let (pid, bytes) = line.split_once(' ').context("a pid")?;
            let bytes: Result<Vec<f64>, _> = bytes.split(' ').map(str::parse).collect();
            Ok((pid.parse()?, bytes?))
        })
        .collect()
}

/// Whether the share of each site is within the interval that is printed for it.
fn compare(snapshot: &Snapshot, pid: u32, bytes: &[f64]) -> Result<Vec<bool>> {
    let sites = snapshot
        .profile
        .call_sites
        .iter()
        .filter(|site| site.process.pid == pid && site.kind == SiteKind::Bounced);
    let shares = culprits(sites);
    ensure!(!shares.is_empty(), "{pid} has no samples");
    let samples: u64 = shares.iter().map(|group| group.samples).sum();
    let all: f64 = bytes.iter().sum();
    let within = bytes.iter().zip(SITES).map(|(bytes, (name, ..))| {
        let group = shares.iter().find(|group| {
            let function = group
                .culprit
                .and_then(|culprit| culprit.frame.function.as_deref());
            function.is_some_and(|function| function.ends_with(name))
        });
        // What was not met has no line, and may be as much as the rule of three says.
        let (share, margin) = group.map_or((0.0, 3.0 / samples as f64), |group| {
            (group.share, group.margin)
        });
        (share - bytes / all).abs() <= margin
    });
    Ok(within.collect())
}
