//! What the audit cannot know is counted all the same, as what it is: unknown.
//!
//! The test binary is its own workload: `unknown --worker ROLE`.

#[path = "../support/counted.rs"]
mod counted;
#[path = "../support/own_workload.rs"]
mod own_workload;
mod pieces;
mod ring;
mod tee;

use std::process::ExitCode;

use copytax::analysis::possible_classes;
use copytax::capture::EngineChoice;
use copytax::model::Snapshot;
use libtest_mimic::{Arguments, Failed, Trial};

/// What the workload does, and what the audit must say of it.
struct Role {
    name: &'static str,
    work: fn(),
    check: fn(&Snapshot) -> Result<(), String>,
}

const ROLES: [Role; 2] = [
    Role {
        name: "too_many_pieces",
        work: pieces::too_many_pieces,
        check: pieces::check,
    },
    Role {
        name: "tee_to_closed",
        work: tee::tee_to_closed,
        check: tee::check,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some("--worker") {
        let role = ROLES.iter().find(|role| role.name == arguments[2]);
        (role.expect("a role").work)();
        return ExitCode::SUCCESS;
    }
    let mut trials = Vec::new();
    for role in &ROLES {
        for (name, engine) in [
            ("raw", EngineChoice::Raw),
            ("tracepoint", EngineChoice::Tracepoint),
        ] {
            let test = move || check(role, engine).map_err(Failed::from);
            trials.push(Trial::test(format!("{}_{name}", role.name), test));
        }
    }
    let mut arguments = Arguments::from_args();
    // Each moves gigabytes.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(role: &Role, engine: EngineChoice) -> Result<(), String> {
    let snapshot = own_workload::watch(engine, &[role.name.as_ref()])?;
    for flow in &snapshot.flows {
        if !possible_classes(flow.call, flow.source, flow.sink).contains(&flow.class) {
            return Err(format!("not in the matrix: {flow:?}"));
        }
    }
    (role.check)(&snapshot)
}
