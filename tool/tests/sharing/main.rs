//! Whether bytes are shared, on real file systems and devices: what the audit says of each call, and
//! what a witness sees. The witness changes the source after the call and before anyone has
//! received the bytes: who receives the change had the source's own pages.
//!
//! The test binary is its own workload: `sharing --worker CASE FOLDER` makes what the case needs in
//! namespaces of its own, and writes down what it did.

mod case;
#[path = "../support/counted.rs"]
mod counted;
#[path = "../support/ethtool.rs"]
mod ethtool;
mod findings;
mod fuse;
mod mounts;
#[path = "../support/own_workload.rs"]
mod own_workload;
mod pairs;
mod veth;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use copytax::capture::EngineChoice;
use copytax::model::{Sharing, SharingVerdict, Snapshot};
use libtest_mimic::{Arguments, Failed, Trial};

use case::{CASES, Outcome, Route};
use worker::{NAME, OUTCOME};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).map(String::as_str) == Some("--worker") {
        return worker::main(&arguments[2], Path::new(&arguments[3]));
    }
    let trials = CASES.iter().map(|(name, _)| {
        let test = move || check(name).map_err(Failed::from);
        Trial::test(*name, test)
    });
    let mut arguments = Arguments::from_args();
    // Each test watches its own workload, but two cores are soon busy.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Watches the worker carry one case out, and compares.
fn check(case: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let arguments = [case.as_ref(), folder.path().as_ref()];
    let snapshot = own_workload::watch(EngineChoice::Raw, &arguments)?;
    let text = std::fs::read_to_string(folder.path().join(OUTCOME))
        .map_err(|error| format!("no outcome: {error}"))?;
    let routes = match serde_json::from_str(&text).map_err(|error| error.to_string())? {
        Outcome::Done(routes) => routes,
        Outcome::Unavailable(what) => {
            // Not by eprintln!, which the harness keeps to itself when a test passes.
            let _ = writeln!(std::io::stderr(), "skipped {case}: {what}");
            return Ok(());
        }
        Outcome::Missing(what) if std::env::var_os("CI").is_some_and(|value| value == "true") => {
            return Err(format!("a prerequisite is missing in CI: {what}"));
        }
        Outcome::Missing(what) => {
            let _ = writeln!(std::io::stderr(), "skipped {case}: {what}");
            return Ok(());
        }
    };
    if routes.is_empty() {
        return Err("the worker did nothing".to_owned());
    }
    witnesses_agree(&routes)?;
    let (expected, counted) = (sums(&routes), counted(&snapshot));
    if expected != counted {
        return Err(format!("expected {expected:#?}\ncounted {counted:#?}"));
    }
    let (expected, found) = (rules(&routes), findings::of(snapshot));
    if expected != found {
        return Err(format!("expected {expected:?}, found {found:?}"));
    }
    Ok(())
}

/// The rules that have to be found: of what the kernel copied, and of nothing else.
fn rules(routes: &[Route]) -> BTreeSet<String> {
    let rules = routes.iter().filter_map(Route::rule);
    rules.map(str::to_owned).collect()
}

/// Where a witness saw what became of the bytes, the expectation must be just that.
fn witnesses_agree(routes: &[Route]) -> Result<(), String> {
    for route in routes {
        let sharing = Sharing::ALL
            .iter()
            .find(|sharing| sharing.name() == route.sharing);
        let verdict = sharing.and_then(|sharing| sharing.verdict());
        let verdict = verdict.ok_or_else(|| format!("no such reason: {route:?}"))?;
        let saw = route.witness.as_deref();
        if verdict != SharingVerdict::Unknown && saw.is_some_and(|saw| saw != verdict.name()) {
            return Err(format!(
                "{verdict:?}, but the witness saw another: {route:?}"
            ));
        }
    }
    Ok(())
}

fn sums(routes: &[Route]) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for route in routes {
        *sums.entry(route.key()).or_default() += route.bytes;
    }
    sums
}

/// The flows of the worker that moved inside the kernel.
fn counted(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (id, _) in snapshot
        .processes
        .iter()
        .filter(|(_, facts)| facts.comm == NAME)
    {
        let flows = snapshot.flows.iter();
        for flow in flows.filter(|flow| flow.process == *id && flow.sharing != Sharing::None) {
            let key = case::key(
                flow.call.name(),
                flow.source.name(),
                flow.sink.name(),
                flow.sharing.name(),
            );
            *sums.entry(key).or_default() += flow.bytes;
        }
    }
    sums
}
