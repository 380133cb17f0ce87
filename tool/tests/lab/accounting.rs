//! What the lab says that it did, and what an audit of it saw.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path as FilePath;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use copytax::capture::EngineChoice;
use copytax::lab::{Path, Transport};
use copytax::model::{Call, Class, EndpointKind, FlowCount, Snapshot};
use serde::Deserialize;

use crate::counted::counted;

/// Runs that count; there is one more, to warm up.
const RUNS: &str = "2";

/// Standard output of the command goes to a file: it must not get between the lines of the test. Its own
/// files are in a folder.
const REDIRECT: &str = r#"out=$1; export TMPDIR="$2"; shift 2; exec "$@" >"$out""#;

/// Calls and bytes, by the name of the call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounting(pub(crate) BTreeMap<String, (u64, u64)>);

#[derive(Debug, Deserialize)]
struct Document {
    schema: String,
    paths: Vec<PathEntry>,
    unavailable: Vec<Unavailable>,
}

#[derive(Debug, Deserialize)]
struct Unavailable {
    path: String,
}

#[derive(Debug, Deserialize)]
struct PathEntry {
    accounting: Told,
}

#[derive(Debug, Deserialize)]
struct Told {
    runs: u64,
    calls: BTreeMap<String, Counts>,
    calls_of_ends: BTreeMap<String, Counts>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    calls: u64,
    bytes: u64,
}

/// The paths that this machine does not have, as the lab says.
pub(crate) fn missing() -> Result<BTreeSet<String>> {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_copytax"));
    let output = lab.args(["lab", "--json", "--quick", "--runs", "1", "--size", "4k"]);
    let output = output.output()?;
    ensure!(output.status.success(), "{output:?}");
    let document: Document = serde_json::from_slice(&output.stdout)?;
    Ok(document.unavailable.into_iter().map(|of| of.path).collect())
}

/// Lets the lab move transfers of `size` by one path, with files in `temporary`, and watches it.
pub(crate) fn watch(
    engine: EngineChoice,
    path: Path,
    transport: Transport,
    size: &str,
    temporary: &FilePath,
) -> Result<(Accounting, Accounting)> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("lab.json");
    let lab = ["lab", "--json", "--quick", "--runs", RUNS, "--size", size];
    let chosen = ["--only", path.name(), "--transport", transport.name()];
    let mut words: Vec<OsString> = ["sh", "-c", REDIRECT, "sh"].map(Into::into).to_vec();
    words.extend([out.clone().into(), temporary.into()]);
    words.push(env!("CARGO_BIN_EXE_copytax").into());
    words.extend(lab.into_iter().chain(chosen).map(OsString::from));
    let snapshot = counted(engine, words)?;
    ensure!(snapshot.loss.map_full == 0, "{:?}", snapshot.loss);
    let document: Document = serde_json::from_slice(&fs::read(&out)?)?;
    ensure!(document.schema == "copytax.lab/1", "{document:?}");
    let [one] = document.paths.as_slice() else {
        anyhow::bail!("not one path: {document:?}");
    };
    ensure!(one.accounting.runs == 3, "{document:?}");
    Ok((told(&one.accounting), seen(&snapshot)))
}

fn told(told: &Told) -> Accounting {
    let mut all = Accounting::default();
    for (call, counts) in told.calls.iter().chain(&told.calls_of_ends) {
        let sum = all.0.entry(call.clone()).or_default();
        sum.0 += counts.calls;
        sum.1 += counts.bytes;
    }
    all
}

/// Besides the path, the process is loaded, looks at the machine, makes the file, and prints. `ip` makes
/// devices for it.
fn seen(snapshot: &Snapshot) -> Accounting {
    let mut all = Accounting::default();
    let is_of_path = |flow: &&FlowCount| {
        let process = snapshot.processes.get(&flow.process);
        if process.is_some_and(|process| process.comm == "ip") {
            return false;
        }
        let to_socket = matches!(flow.sink, EndpointKind::Tcp | EndpointKind::Unix);
        match flow.call {
            // The dynamic linker's.
            Call::Pread => false,
            Call::Write => to_socket || flow.class != Class::Generated,
            _ => true,
        }
    };
    for flow in snapshot.flows.iter().filter(is_of_path) {
        let sum = all.0.entry(flow.call.name().to_owned()).or_default();
        sum.0 += flow.first_pieces;
        sum.1 += flow.bytes;
    }
    all
}

impl Accounting {
    /// Takes away the reads of `other`, a process that reads nothing but what each of them does when it
    /// starts.
    pub(crate) fn without_reads_of(mut self, other: &Self) -> Result<Self> {
        let name = Call::Read.name();
        let of_start = other.0.get(name).copied().unwrap_or_default();
        let reads = self
            .0
            .get_mut(name)
            .context("a process is read when it starts")?;
        let rest = (
            reads.0.checked_sub(of_start.0),
            reads.1.checked_sub(of_start.1),
        );
        let (Some(calls), Some(bytes)) = rest else {
            anyhow::bail!("fewer reads than of another process: {reads:?}, {of_start:?}");
        };
        *reads = (calls, bytes);
        self.0.retain(|_, sum| *sum != (0, 0));
        Ok(self)
    }
}
