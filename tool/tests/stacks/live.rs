//! Stacks that the tool itself takes of a working server.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::load::during;
use crate::support::audit::Audit;
use crate::support::patience::until;
use crate::support::prerequisites;

/// Requests whose stacks are looked at.
const REQUESTS: usize = 40;

/// How long `perf` and the tool look at the same time.
const WINDOW: &str = "6s";

/// Share of the samples from which on a function is on a hot path.
const HOT: f64 = 0.2;

/// How far shares may be from each other beyond what chance does: the two do not look at the same moments.
const DIFFERENCE: f64 = 0.1;

/// Standard errors that chance may do.
const ERRORS: f64 = 3.0;

/// Nanoseconds that a sample of the tool stands for.
const TICK: f64 = 1e9 / copytax::probe::CPU_HERTZ as f64;

/// Fails unless nearly all of the stacks of its call sites reach the entry of their thread.
pub(crate) fn reach_entry(
    name: &str,
    process: u32,
    work: impl Fn() -> Result<()> + Sync,
) -> Result<()> {
    let audit = Audit::of_process(process)?;
    for _ in 0..REQUESTS {
        work()?;
    }
    let stacks = audit
        .interrupt()?
        .take(process)?
        .stacks_reach_their_entry()?;
    writeln!(std::io::stderr(), "{name}: {stacks} stacks, live")?;
    ensure!(stacks >= 100, "{stacks} stacks of {name} are too few");
    Ok(())
}

/// Fails unless the functions that are hot for `perf`, which unwinds the same stacks by its own means, have
/// about the same share of the CPU time for the tool.
pub(crate) fn agree_with_perf(
    name: &str,
    process: u32,
    work: impl Fn() -> Result<()> + Sync,
) -> Result<()> {
    let Some(perf) = prerequisites::or_skip(prerequisites::program("perf"))? else {
        return Ok(());
    };
    // It copies the stacks of all that runs: one at a time.
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = TempDir::new()?;
    let (data, folded) = (folder.path().join("data"), folder.path().join("folded"));
    let mut command = Command::new(&perf);
    // Of all, as the tool does it: a clock of each thread ticks when it comes on the CPU, too.
    command.args(["record", "-q", "-a", "-F", "199", "-e", "cpu-clock"]);
    command
        .args(["--call-graph", "dwarf,32768", "-o"])
        .arg(&data);
    command.args(["--", env!("CARGO_BIN_EXE_copytax"), "flamegraph"]);
    command.args(["--weight=cpu", "--kernel", "--format=folded", "-d", WINDOW]);
    command
        .arg(format!("--pid={process}"))
        .arg("-o")
        .arg(&folded);
    let said = during(work, |_| {
        let mut both = command.stdout(std::process::Stdio::null()).spawn()?;
        until("the end of both", || Ok(both.try_wait()?))
    })?;
    ensure!(said.success(), "{command:?}: {said}");
    drop(alone);
    compare(name, &by_perf(&perf, &data, process)?, &by_tool(&folded)?)
}

/// Names of functions, with the share of samples that are in them or in what they call.
#[derive(Debug)]
struct Shares {
    samples: f64,
    of: BTreeMap<String, f64>,
}

fn compare(name: &str, perf: &Shares, tool: &Shares) -> Result<()> {
    let hot = perf.of.iter().filter(|(_, share)| **share >= HOT);
    let hot: Vec<_> = hot.map(|(function, share)| (function, *share)).collect();
    ensure!(hot.len() >= 8, "{name} has hardly a hot function: {hot:?}");
    let mut far = Vec::new();
    for (function, by_perf) in &hot {
        let here = tool.of.get(*function).copied().unwrap_or(0.0);
        let variance = by_perf * (1.0 - by_perf) * (perf.samples.recip() + tool.samples.recip());
        if (by_perf - here).abs() > DIFFERENCE + ERRORS * variance.sqrt() {
            far.push(format!("{function}: {by_perf:.2} by perf, {here:.2} here"));
        }
    }
    let hot = hot.len();
    writeln!(
        std::io::stderr(),
        "{name}: {} of the {hot} functions that are hot for perf are as hot here",
        hot - far.len()
    )?;
    ensure!(far.is_empty(), "{name}: {far:#?}\n{tool:#?}");
    Ok(())
}

/// What `perf script` says of the samples of a process.
fn by_perf(perf: &Path, data: &Path, process: u32) -> Result<Shares> {
    let mut command = Command::new(perf);
    command.args(["script", "--no-inline", "-F", "ip,sym,dso", "--pid"]);
    let output = command
        .arg(process.to_string())
        .arg("-i")
        .arg(data)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "perf script: {said}");
    let stacks = String::from_utf8_lossy(&output.stdout);
    let stacks = stacks.split("\n\n").map(|stack| {
        let functions = stack.lines().filter_map(|line| {
            // An address, the name, and the file in parentheses. libc has many names for one function.
            let (_, frame) = line.trim().split_once(' ')?;
            let (function, file) = frame.rsplit_once(" (")?;
            (!file.contains("libc.so")).then_some(function)
        });
        (1, functions.collect::<Vec<_>>())
    });
    shares(stacks.filter(|(_, functions)| !functions.is_empty()), 1.0)
}

/// What the tool has written: functions from the outermost one on, and nanoseconds.
fn by_tool(folded: &Path) -> Result<Shares> {
    let folded = std::fs::read_to_string(folded)?;
    let stacks = folded.lines().map(|line| {
        let (functions, weight) = line.rsplit_once(' ').context("a weight")?;
        Ok((weight.parse()?, functions.split(';').collect()))
    });
    shares(stacks.collect::<Result<Vec<_>>>()?, TICK)
}

/// A sample has so much weight.
fn shares<'a>(
    stacks: impl IntoIterator<Item = (u64, Vec<&'a str>)>,
    weight_of_sample: f64,
) -> Result<Shares> {
    let (mut all, mut sums) = (0, BTreeMap::<String, u64>::new());
    for (weight, functions) in stacks {
        all += weight;
        let mut functions: Vec<_> = functions.into_iter().filter_map(plain).collect();
        functions.sort_unstable();
        functions.dedup();
        for function in functions {
            *sums.entry(function).or_default() += weight;
        }
    }
    ensure!(all > 0, "there are no samples");
    let share = |sum| sum as f64 / all as f64;
    Ok(Shares {
        samples: all as f64 / weight_of_sample,
        of: sums
            .into_iter()
            .map(|(name, sum)| (name, share(sum)))
            .collect(),
    })
}

/// The name without arguments and without what the compiler appends; `None` for one that each demangler
/// writes in its own way.
fn plain(function: &str) -> Option<String> {
    let name = function.split(['(', '.']).next()?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    (!name.is_empty() && name.chars().all(is_plain)).then(|| name.to_owned())
}
