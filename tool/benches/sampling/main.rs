//! What a server that bounces bytes as fast as it can loses by being sampled: windows without and with
//! stacks in turn. `cargo xtask bench sampling` runs it; `docs/performance.md` keeps the figures.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other benchmarks")]
mod support;

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use copytax::capture::{self, EngineChoice, Profiling, Settings, Target};
use copytax::lab::memory_file;
use copytax::model::Class;
use tokio::runtime::Runtime;

use crate::support::{document, statistics};

/// Percent of its throughput that a server may lose.
const LIMIT: f64 = 3.0;
/// What such a server has to bounce at least, in gigabytes a second, for the figure to mean something.
const LEAST: f64 = 2.0;

/// Bytes of a read and of a write, and of the file; the time that the file takes is a figure.
const BLOCK: usize = 128 << 10;
const FILE: u64 = 16 << 20;

/// How long one window is, and how long it takes at most until everything is attached.
const WINDOW: Duration = Duration::from_millis(700);
const ATTACHING: Duration = Duration::from_millis(300);

/// What sampling takes from a server.
#[derive(Debug, Parser)]
struct Args {
    /// Pairs of windows.
    #[arg(long, default_value_t = 121, value_parser = clap::value_parser!(u32).range(10..))]
    pairs: u32,
    /// Write the figures to docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Be the server, and send to this port.
    #[arg(long, hide = true)]
    port: Option<u16>,
    /// Cargo says this to benchmarks.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let Some(port) = args.port {
        return bounce(port);
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "only root can attach; run this as root"
    );
    copytax::host::kernel::lift_memlock();
    let server = Server::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut lost, mut speeds) = (Vec::new(), Vec::new());
    for pair in 0..args.pairs {
        // Whoever is first has the other state of the machine.
        let with_first = pair % 2 == 1;
        let first = gigabytes_per_second(&runtime, &server, with_first)?;
        let second = gigabytes_per_second(&runtime, &server, !with_first)?;
        let (without, with) = if with_first {
            (second, first)
        } else {
            (first, second)
        };
        lost.push(100.0 * (1.0 - with / without));
        speeds.push(without);
    }
    let (lost, speed) = (statistics::median(&lost), statistics::median(&speeds));
    let is_kept = lost < LIMIT && speed >= LEAST;
    let text = format!(
        "{}\n- {}: a server that bounces {speed:.1} GB/s (at least {LEAST:.0} GB/s are wanted) loses {lost:.1}% of that, the \
         median of {} pairs (limit {LIMIT:.0}%)\n",
        document::provenance("cargo xtask bench sampling --write"),
        if is_kept { "pass" } else { "FAIL" },
        args.pairs,
    );
    println!("{text}");
    if args.write {
        document::replace_part("performance.md", "sampling", &text)?;
    }
    Ok(if is_kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the server bounces in one window: by the time that a file takes which a quarter of all go below,
/// since others on the machine take some of it from most.
fn gigabytes_per_second(runtime: &Runtime, server: &Server, with_stacks: bool) -> Result<f64> {
    let settings = Settings {
        target: Target::Pids {
            pids: vec![server.child.id()],
            follow: true,
        },
        duration: None,
        engine: EngineChoice::Auto,
        profiling: with_stacks.then(Profiling::default),
    };
    let mut seconds = Vec::new();
    let snapshot = runtime.block_on(capture::live(&settings, async {
        tokio::time::sleep(ATTACHING).await;
        server.take_seconds();
        tokio::time::sleep(WINDOW).await;
        seconds = server.take_seconds();
    }))?;
    let sampled = snapshot.profile.sampling.samples != 0;
    let flows = snapshot.flows.iter();
    let bounced = flows.filter(|flow| flow.class == Class::SameBuffer);
    ensure!(
        sampled == with_stacks && bounced.count() != 0,
        "{snapshot:#?}"
    );
    seconds.sort_by(f64::total_cmp);
    let seconds = seconds.get(seconds.len() / 4).context("no file was sent")?;
    Ok(FILE as f64 / 1e9 / seconds)
}

/// The process that is watched; what it sends is dropped here.
struct Server {
    child: Child,
    /// Seconds that each file took.
    seconds: Arc<Mutex<Vec<f64>>>,
}

impl Server {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let child = Command::new(std::env::current_exe()?)
            .args(["--port", &port.to_string()])
            .spawn()?;
        let server = Self {
            child,
            seconds: Arc::default(),
        };
        let (client, _) = listener.accept().context("no server")?;
        let seconds = Arc::clone(&server.seconds);
        thread::spawn(move || drop_all(&client, &seconds));
        Ok(server)
    }

    /// What the files took that were sent since this was asked last.
    fn take_seconds(&self) -> Vec<f64> {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *seconds)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes what comes, and notes how long each file took.
fn drop_all(client: &TcpStream, seconds: &Mutex<Vec<f64>>) {
    let (mut bytes, mut since) = (0, Instant::now());
    while let Some(taken) = drop_some(client) {
        bytes += taken;
        if bytes >= FILE {
            let mut seconds = seconds.lock().unwrap_or_else(PoisonError::into_inner);
            seconds.push(since.elapsed().as_secs_f64());
            (bytes, since) = (bytes - FILE, Instant::now());
        }
    }
}

/// Takes bytes off a socket without copying them (`tcp(7)`), so that the server is what is slow; `None`
/// at the end.
fn drop_some(client: &TcpStream) -> Option<u64> {
    // SAFETY: with MSG_TRUNC nothing is written, so there need be no memory.
    let taken = unsafe {
        libc::recv(
            client.as_raw_fd(),
            std::ptr::null_mut(),
            1 << 20,
            libc::MSG_TRUNC,
        )
    };
    u64::try_from(taken).ok().filter(|taken| *taken != 0)
}

/// Reads a file and writes what it has read, again and again.
fn bounce(port: u16) -> Result<ExitCode> {
    let mut file: File = memory_file("copytax-bench", FILE, 23)?;
    let mut sink = TcpStream::connect(("127.0.0.1", port))?;
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block)? {
            0 => file.rewind()?,
            // Ends when nobody takes it any more.
            length => sink.write_all(&block[..length])?,
        }
    }
}
