//! The tests of the kernel half on another kernel than the one that runs here.
//!
//! As process 1 of the virtual machine that `cargo xtask vm` starts, this program prepares the
//! machine, runs the test programs, says on the console how they ended, and powers off. Started
//! otherwise it is one of these test programs.

#[path = "../sampling/case.rs"]
mod case;
#[path = "../sampling/clock.rs"]
mod clock;
#[path = "../sampling/facts.rs"]
mod facts;
mod ktls;
mod lab;
mod machine;
#[path = "../sampling/moves.rs"]
mod moves;
#[path = "../sampling/rings.rs"]
mod rings;
mod tool;
#[path = "../sampling/worker.rs"]
mod worker;

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use copytax::model::Engine;
use libtest_mimic::{Arguments, Failed, Trial};

/// Set, by the kernel's command line, where process 1 is this program.
const INSIDE: &str = "COPYTAX_VM";

/// The test programs of the machine and their arguments. This one comes first: what it finds broken
/// explains what the others say.
const PROGRAMS: [(&str, &[&str]); 3] = [
    ("/init", &["--include-ignored"]),
    ("/truth", &[]),
    // Since Linux 6.5 nothing tells whether direct I/O of FUSE copies.
    ("/sharing", &["--exact", "fuse"]),
];

/// Begins the line that `cargo xtask vm` looks for.
const RESULT: &str = "copytax-vm: result:";

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init();
    }
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(bytes) = ktls::as_sender(&arguments) {
        return ktls::sender(bytes);
    }
    if let Some(out) = lab::as_runner(&arguments) {
        return lab::runner(out);
    }
    if arguments.get(1).is_some_and(|word| word == "--worker") {
        return worker::main(&arguments[2..]);
    }
    libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let inside = std::env::var_os(INSIDE).is_some();
    let has_ktls = ktls::is_available();
    if !inside && !has_ktls {
        eprintln!("ktls: ignored here, this kernel has no TCP ULP tls; `cargo xtask vm` runs it");
    }
    let trial = |name: String, runs: bool, test: fn(&str) -> Result<()>, engine: &'static str| {
        let run = move || test(engine).map_err(|error| Failed::from(format!("{error:#}")));
        Trial::test(name, run).with_ignored_flag(!runs)
    };
    // Outside, tests/cli.rs and tests/cli_audit.rs have more to say.
    let mut trials = vec![trial("doctor".into(), inside, |_| tool::doctor(), "")];
    for engine in ["raw", "tracepoint"] {
        trials.push(trial(
            format!("audit_{engine}"),
            inside,
            tool::audit,
            engine,
        ));
        trials.push(trial(
            format!("ktls_{engine}"),
            has_ktls,
            ktls::check,
            engine,
        ));
        trials.push(trial(
            format!("lab_ktls_{engine}"),
            has_ktls,
            lab::check,
            engine,
        ));
        trials.push(trial(format!("samples_{engine}"), inside, samples, engine));
    }
    trials
}

/// What is sampled is right, as tests/sampling/ has it outside.
fn samples(engine: &str) -> Result<()> {
    let engine = match engine {
        "raw" => Engine::Raw,
        _ => Engine::Tracepoint,
    };
    facts::reads_and_writes_pair_up(engine)?;
    facts::rings_are_sampled(engine)?;
    facts::files_and_addresses_are_right(engine)?;
    facts::stacks_are_those_of_the_functions(engine)?;
    clock::knows_the_system_call(engine)
}

/// All that process 1 does.
fn init() -> ! {
    let result = machine::prepare().and_then(|()| run_programs());
    match result {
        Ok(0) => println!("\n{RESULT} passed"),
        Ok(failed) => println!("\n{RESULT} failed: {failed} of {} programs", PROGRAMS.len()),
        Err(error) => println!("\n{RESULT} failed: {error:#}"),
    }
    machine::power_off()
}

/// Runs the test programs one after the other; gives how many failed.
fn run_programs() -> Result<usize> {
    let mut failed = 0;
    for (program, arguments) in PROGRAMS {
        println!("copytax-vm: {program} {}", arguments.join(" "));
        let status = Command::new(program)
            .args(arguments)
            .arg("--color=never")
            .status()
            .with_context(|| format!("{program} does not start"))?;
        println!("copytax-vm: {program}: {status}, {}", machine::uptime()?);
        failed += usize::from(!status.success());
    }
    Ok(failed)
}
