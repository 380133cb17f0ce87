//! A file server of Go under the load of `wrk`, with the fast path and without.

use std::fs::File;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::process::Taken;
use crate::statistics::median;
use crate::support::children::Program;
use crate::support::prerequisites;

const SIZE: u64 = 64 << 20;

const ROUNDS: u32 = 3;

const LOAD: [&str; 4] = ["-t6", "-c30", "-d8s", "--timeout=60s"];

const SERVERS: [(&str, &str); 2] = [
    ("files", "`http.FileServer`: sendfile"),
    (
        "files-wrapped",
        "behind a wrapped `ResponseWriter`: read and write",
    ),
];

/// Of one load: percent of a core, seconds, requests and gigabytes a second, faults a second, MiB.
type Figures = [f64; 6];

/// The table.
pub(crate) fn measure() -> Result<String> {
    let program = crate::go("1.27.3")?;
    prerequisites::program("wrk")?;
    let folder = TempDir::new()?;
    let path = folder.path().join("file");
    write_pattern(File::create(&path)?, SIZE, 23)?;
    let mut servers = Vec::new();
    for (mode, name) in SERVERS {
        let mut command = Command::new(&program);
        let (program, port) = Program::start_server(command.arg(mode).arg(&path))?;
        servers.push((name, program, port, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (_, program, port, figures) in &mut servers {
            figures.push(load(program.pid(), *port)?);
        }
    }
    let mut text = format!(
        "Go 1.27.3, a warm file of 64 MiB, `wrk {}`, medians of {ROUNDS} loads in turn; server and client \
         share the machine.\n\n\
         | server | CPU | latency s | requests/s | GB/s | page faults/s | memory MiB |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
        LOAD.join(" ")
    );
    for (name, _, _, figures) in &servers {
        let of = |index: usize| {
            let values: Vec<f64> = figures.iter().map(|all: &Figures| all[index]).collect();
            median(&values)
        };
        text += &format!(
            "| {name} | {:.0}% | {:.2} | {:.1} | {:.2} | {:.0} | {:.0} |\n",
            of(0),
            of(1),
            of(2),
            of(3),
            of(4),
            of(5)
        );
    }
    Ok(text)
}

fn load(pid: u32, port: u16) -> Result<Figures> {
    let before = Taken::by(pid)?;
    let begin = Instant::now();
    let output = Command::new("wrk")
        .args(LOAD)
        .arg(format!("http://127.0.0.1:{port}/file"))
        .output()?;
    let seconds = begin.elapsed().as_secs_f64();
    let after = Taken::by(pid)?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {text}");
    ensure!(!text.contains("Non-2xx"), "the server refused: {text}");
    let requests: f64 = word(&text, "Requests/sec:")?.parse()?;
    let cpu = after.user + after.system - before.user - before.system;
    Ok([
        100.0 * cpu / seconds,
        duration(word(&text, "Latency")?)?,
        requests,
        requests * SIZE as f64 / 1e9,
        (after.faults - before.faults) / seconds,
        after.memory,
    ])
}

/// The word that follows another one.
fn word<'a>(text: &'a str, before: &str) -> Result<&'a str> {
    let mut words = text.split_whitespace();
    words.by_ref().find(|word| *word == before);
    words
        .next()
        .with_context(|| format!("no {before} in {text}"))
}

/// `1.48s`, `570.00ms` and the like, in seconds.
fn duration(text: &str) -> Result<f64> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit)?.parse::<f64>().ok()?;
        Some(number * seconds)
    });
    found.with_context(|| format!("{text} is no duration"))
}
