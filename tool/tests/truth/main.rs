//! The truth harness: a generator of random operations that knows, by construction, what each byte
//! was, and a check that the audit's counts equal it exactly.
//!
//! The test binary is its own workload: `truth --worker FIRST LAST FILE FEATURES` forks a process for each
//! seed, which carries its operations out and leaves its truth in shared memory; the worker writes
//! all of them to FILE.

#[path = "../support/counted.rs"]
mod counted;
mod endpoints;
mod features;
mod files;
mod memory;
mod messages;
mod operations;
#[path = "../support/own_workload.rs"]
mod own_workload;
mod ring;
mod tls;
mod transfers;
mod truth;
mod uring;
mod worker;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;

use copytax::analysis::possible_classes;
use copytax::capture::EngineChoice;
use copytax::model::{Class, Sharing, Snapshot};
use libtest_mimic::{Arguments, Failed, Trial};

use features::Features;
use truth::{Counts, Truth};

/// Seeds of each test; 1,000 for each engine in all.
const SEEDS: u64 = 1_000;
/// Seeds watched by one session.
const BATCH: u64 = 250;
/// Variable that asks for fewer seeds: an emulated machine is slow.
const FEWER: &str = "COPYTAX_TRUTH_SEEDS";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some("--worker") {
        return worker::main(&arguments[2..]);
    }
    let features = Features::of_kernel();
    let seeds = seeds();
    let mut trials = Vec::new();
    for (name, engine) in [
        ("raw", EngineChoice::Raw),
        ("tracepoint", EngineChoice::Tracepoint),
    ] {
        for first in (0..seeds).step_by(BATCH as usize) {
            let end = seeds.min(first + BATCH);
            let features = features.clone();
            let test = move || {
                let features = features?;
                check(engine, first, end, features).map_err(Failed::from)
            };
            trials.push(Trial::test(format!("{name}_{first}"), test));
        }
    }
    let mut arguments = Arguments::from_args();
    // Each session watches its own workload, but two cores are soon busy.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn seeds() -> u64 {
    std::env::var(FEWER).map_or(SEEDS, |seeds| seeds.parse().expect("a number of seeds"))
}

/// Watches a worker that runs the seeds from `first` up to `end`, and compares.
fn check(engine: EngineChoice, first: u64, end: u64, features: Features) -> Result<(), String> {
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = directory.path().join("truth.json");
    let (from, to) = (first.to_string(), end.to_string());
    let features = features.to_argument();
    let arguments = [from.as_ref(), to.as_ref(), file.as_ref(), features.as_ref()];
    let snapshot = own_workload::watch(engine, &arguments)?;
    let text = std::fs::read_to_string(&file).map_err(|error| format!("no truth: {error}"))?;
    let truths: Vec<Truth> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if truths.len() < (end - first) as usize {
        return Err(format!("only {} processes ran", truths.len()));
    }
    let mut wrong = lost(&snapshot);
    wrong.extend(impossible(&snapshot));
    wrong.extend(
        truths
            .iter()
            .filter_map(|truth| compare(truth, &snapshot).err()),
    );
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    ))
}

/// Loss counters that are not 0.
fn lost(snapshot: &Snapshot) -> Vec<String> {
    let loss = &snapshot.loss;
    [
        ("map_full", loss.map_full),
        ("relay_evictions", loss.relay_evictions),
        ("relay_contention", loss.relay_contention),
        ("content_unreadable", loss.content_unreadable),
        ("pieces_truncated", loss.pieces_truncated),
        ("endpoint_unknown", loss.endpoint_unknown),
        ("mapping_contention", loss.mapping_contention),
        ("uring_unseen", loss.uring_unseen.unwrap_or(1)),
    ]
    .into_iter()
    .filter(|(_, count)| *count != 0)
    .map(|(name, count)| format!("loss: {name} {count}"))
    .collect()
}

/// Flows that docs/accounting.md does not have.
fn impossible(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let flows = snapshot
        .flows
        .iter()
        .filter(|flow| !possible_classes(flow.call, flow.source, flow.sink).contains(&flow.class));
    flows.map(|flow| format!("not in the matrix: {flow:?}"))
}

/// Compares flows, calls and errors of one process.
fn compare(truth: &Truth, snapshot: &Snapshot) -> Result<(), String> {
    if truth.calls.is_empty() && truth.errors.is_empty() {
        return Ok(());
    }
    let mut found = snapshot
        .processes
        .iter()
        .filter(|(_, facts)| facts.comm == truth.name)
        .map(|(id, _)| *id);
    let id = match (found.next(), found.next()) {
        (Some(id), None) => id,
        (None, _) => return Err(format!("{}: not in the audit", truth.name)),
        _ => return Err(format!("{}: more than once in the audit", truth.name)),
    };
    if id.pid != truth.pid {
        return Err(format!(
            "{}: pid {} instead of {}",
            truth.name, id.pid, truth.pid
        ));
    }
    let mut flows: BTreeMap<String, Counts> = BTreeMap::new();
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    for flow in snapshot.flows.iter().filter(|flow| flow.process == id) {
        let class = if flow.class == Class::Ingest {
            "ingest"
        } else {
            flow.class.name()
        };
        let (call, source, sink) = (flow.call.name(), flow.source.name(), flow.sink.name());
        let key = if flow.sharing == Sharing::None {
            truth::flow_key(call, source, sink, class)
        } else {
            truth::moved_key(call, source, sink, class, flow.sharing.name())
        };
        let sum = flows.entry(key).or_default();
        sum.bytes += flow.bytes;
        sum.calls += flow.calls;
        *calls.entry(flow.call.name().to_owned()).or_default() += flow.first_pieces;
    }
    let mut errors: BTreeMap<String, u64> = BTreeMap::new();
    for error in snapshot.errors.iter().filter(|error| error.process == id) {
        let (call, source, sink) = (error.call.name(), error.source.name(), error.sink.name());
        let key = truth::error_key(call, source, sink, error.errno);
        *errors.entry(key).or_default() += error.count;
    }
    let mut differences = transfers::check(id, snapshot);
    difference(&truth.flows, &flows, &mut differences);
    difference(&truth.calls, &calls, &mut differences);
    difference(&truth.errors, &errors, &mut differences);
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("{}:\n  {}", truth.name, differences.join("\n  ")))
}

fn difference<V: PartialEq + std::fmt::Debug>(
    truth: &BTreeMap<String, V>,
    found: &BTreeMap<String, V>,
    differences: &mut Vec<String>,
) {
    for key in truth
        .keys()
        .chain(found.keys().filter(|key| !truth.contains_key(*key)))
    {
        let (expected, counted) = (truth.get(key), found.get(key));
        if expected != counted {
            differences.push(format!("{key}: truth {expected:?}, audit {counted:?}"));
        }
    }
}
