//! Samples of call sites and of CPU time, of a program that knows what it moved.
//!
//! The test binary is its own workload: `sampling --worker MOVES FOLDER PORT` waits for a line, moves
//! bytes, and writes down how many of which kind.

mod case;
mod clock;
mod estimates;
mod facts;
mod limits;
mod moves;
mod rings;
mod shares;
mod worker;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use copytax::model::Engine;

/// A test, for an engine.
type Test = fn(Engine) -> anyhow::Result<()>;

const TESTS: [(&str, Test); 11] = [
    (
        "estimates_are_near_the_truth",
        estimates::are_near_the_truth,
    ),
    ("stay_so_under_the_cap", estimates::stay_so_under_the_cap),
    (
        "shares_are_within_their_intervals",
        shares::are_within_their_intervals,
    ),
    (
        "shares_stay_within_under_the_cap",
        shares::stay_within_under_the_cap,
    ),
    ("reads_and_writes_pair_up", facts::reads_and_writes_pair_up),
    (
        "files_and_addresses_are_right",
        facts::files_and_addresses_are_right,
    ),
    (
        "stacks_are_those_of_the_functions",
        facts::stacks_are_those_of_the_functions,
    ),
    ("rings_are_sampled", facts::rings_are_sampled),
    (
        "what_finds_no_room_is_counted",
        limits::what_finds_no_room_is_counted,
    ),
    (
        "nothing_is_sampled_unless_asked_for",
        limits::nothing_is_sampled_unless_asked_for,
    ),
    (
        "the_clock_knows_the_system_call",
        clock::knows_the_system_call,
    ),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some("--worker") => return worker::main(&words[2..]),
        Some("--seeds") => return shares::run_all(&words[2..]),
        Some("--seed") => return shares::run_one(&words[2..]),
        _ => {}
    }
    let arguments = Arguments::from_args();
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can attach");
        return ExitCode::SUCCESS;
    }
    let engines = [("raw", Engine::Raw), ("tracepoint", Engine::Tracepoint)];
    let trials = TESTS.iter().flat_map(|(name, test)| {
        engines.map(|(engine_name, engine)| {
            Trial::test(format!("{name}_{engine_name}"), move || Ok(test(engine)?))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
