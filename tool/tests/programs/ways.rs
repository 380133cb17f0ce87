//! The flows of a process, to be compared as a whole: what is not expected is not there.

use std::collections::BTreeMap;

use crate::support::report::{Flow, Process};

/// Bytes by way: `class mechanism source -> sink`, with the evidence where there is one.
pub(crate) type Ways = BTreeMap<String, u64>;

/// All ways in which a process moved at least one byte.
pub(crate) fn of(process: &Process) -> Ways {
    let mut ways = Ways::new();
    for flow in process.flows.iter().filter(|flow| flow.bytes > 0) {
        *ways.entry(name(flow)).or_default() += flow.bytes;
    }
    ways
}

/// Those to endpoints of a kind.
pub(crate) fn to(sink: &str, process: &Process) -> Ways {
    let mut ways = of(process);
    ways.retain(|way, _| way.contains(&format!("-> {sink}")));
    ways
}

/// Ways as a test expects them.
pub(crate) fn expected<'a>(ways: impl IntoIterator<Item = (&'a str, u64)>) -> Ways {
    let ways = ways.into_iter();
    ways.map(|(way, bytes)| (way.to_owned(), bytes)).collect()
}

fn name(flow: &Flow) -> String {
    let source = flow.source.as_deref().unwrap_or("none");
    let sink = flow.sink.as_deref().unwrap_or("none");
    let way = format!("{} {} {source} -> {sink}", flow.class, flow.mechanism);
    match flow.evidence.as_deref() {
        Some(evidence) => format!("{way}, {evidence}"),
        None => way,
    }
}
