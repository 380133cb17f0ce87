//! What was lost, and where and when all this was counted.

use std::io;

use crate::model::{Audit, CommandOutcome, Engine, Loss, Profile};
use crate::report::escape::{escape, truncate};
use crate::report::text::layout::Page;
use crate::report::{names, units};

const INDENT: usize = 2;
const LONGEST_COMMAND: usize = 60;
const LONGEST_NAME: usize = 64;

/// Words of the report and what they mean, those that it uses.
pub(in crate::report) fn legend(
    audit: &Audit,
    has_call_sites: bool,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut flows = audit.processes.iter().flat_map(|process| &process.flows);
    let has_transfers = flows.any(|flow| !flow.transfers.is_empty());
    [
        (true, "hit rate", "zero-copy / (zero-copy + lost)"),
        (
            true,
            "lost",
            "read, then written unmodified, though the kernel has a path",
        ),
        (
            audit.bytes.mapped > 0,
            "mapped",
            "written from the mapping of a file: one copy is left",
        ),
        (true, "transformed", "changed between read and write"),
        (true, "generated", "made by the process, not read before"),
        (
            has_transfers,
            "transfer",
            "a run of bytes between the same two files; ~ is the median",
        ),
        (
            has_call_sites,
            "read by, written by",
            "estimated from samples; ± is half the width of a 95% interval",
        ),
    ]
    .into_iter()
    .filter(|(is_used, ..)| *is_used)
    .map(|(_, word, meaning)| (word, meaning))
}

/// Writes everything below the flows.
pub(super) fn write(
    out: &mut impl io::Write,
    page: &Page,
    audit: &Audit,
    profile: Option<&Profile>,
    quiet: usize,
) -> io::Result<()> {
    let has_call_sites = profile.is_some_and(|profile| !profile.call_sites.is_empty());
    let mut line = |text: &str| writeln!(out, "{}", page.hanging(text, INDENT));
    if audit.bytes.written() > 0 {
        if quiet > 0 {
            let processes = units::counted(quiet as u64, "more process", "more processes");
            line(&format!("{processes} made calls but wrote nothing."))?;
        }
        for (word, meaning) in legend(audit, has_call_sites) {
            line(&format!("{word}: {meaning}"))?;
        }
        line("")?;
    }
    if audit.bytes.unknown > 0 {
        line(&format!(
            "unknown: {} written could not be looked at (in no column above)",
            units::bytes(audit.bytes.unknown)
        ))?;
    }
    for text in loss(&audit.loss, audit.engine) {
        line(&text)?;
    }
    if audit.is_incomplete {
        line("incomplete: the recording was cut short, or still goes on")?;
    }
    line(&format!(
        "window: {} from {}, engine {}",
        units::duration(audit.window.duration),
        names::rfc3339(audit.window.start),
        audit.engine.name(),
    ))?;
    let name = |text: &str| truncate(&escape(text), LONGEST_NAME);
    line(&format!(
        "host: {}, Linux {} {}, {}",
        name(&audit.host.hostname),
        name(&audit.host.kernel),
        name(&audit.host.arch),
        units::counted(u64::from(audit.host.cpus), "CPU", "CPUs"),
    ))?;
    if let Some(outcome) = &audit.command {
        line(&command(outcome))?;
    }
    Ok(())
}

/// A line for each counter that is not 0.
pub(super) fn counted(loss: &Loss) -> Vec<String> {
    // Taken apart, so that a new counter cannot be forgotten here.
    let Loss {
        samples_dropped,
        relay_evictions,
        relay_contention,
        content_unreadable,
        pieces_truncated,
        map_full,
        unsupported_abi_calls,
        endpoint_unknown,
        transfers_split,
        mapping_contention,
        uring_unseen,
    } = *loss;
    [
        (
            "map_full",
            map_full,
            "calls not counted: a kernel map was full",
        ),
        (
            "unsupported_abi_calls",
            unsupported_abi_calls.unwrap_or(0),
            "calls of 32-bit tasks, not counted",
        ),
        (
            "endpoint_unknown",
            endpoint_unknown,
            "calls whose descriptor was gone before it could be looked at",
        ),
        (
            "transfers_split",
            transfers_split,
            "transfers taken as ended for want of room: sizes are too small",
        ),
        (
            "uring_unseen",
            uring_unseen.unwrap_or(0),
            "requests of io_uring whose completions cannot be seen, not counted",
        ),
        (
            "pieces_truncated",
            pieces_truncated,
            "calls with too many pieces: the rest of them counts as unknown",
        ),
        (
            "content_unreadable",
            content_unreadable,
            "buffers whose content could not be compared",
        ),
        (
            "relay_evictions",
            relay_evictions,
            "reads forgotten for want of room: lost bytes may show as generated",
        ),
        (
            "relay_contention",
            relay_contention,
            "lookups given up under contention: lost bytes may show as generated",
        ),
        (
            "mapping_contention",
            mapping_contention,
            "buffers that may be mappings of files: another thread was changing mappings",
        ),
        (
            "samples_dropped",
            samples_dropped,
            "call-site samples dropped",
        ),
    ]
    .into_iter()
    .filter(|&(_, count, _)| count > 0)
    .map(|(name, count, what)| format!("loss: {name} {} ({what})", units::count(count)))
    .collect()
}

/// `loss: none`, or a line for each counter that is not 0, and for what cannot be known.
pub(in crate::report) fn loss(loss: &Loss, engine: Engine) -> Vec<String> {
    let mut lines = counted(loss);
    if loss.uring_unseen.is_none() {
        lines.push("loss: io_uring is not seen on this kernel".to_owned());
    }
    let unseen = match (loss.unsupported_abi_calls, engine) {
        (Some(_), _) => None,
        (None, Engine::Tracepoint) => Some("calls of 32-bit tasks are not seen by this engine"),
        (None, Engine::Raw) => Some("calls of 32-bit tasks could not be seen"),
    };
    match unseen {
        Some(unseen) if lines.is_empty() => lines.push(format!("loss: none known; {unseen}")),
        Some(unseen) => lines.push(format!("loss: {unseen}")),
        None if lines.is_empty() => lines.push("loss: none".to_owned()),
        None => {}
    }
    lines
}

pub(in crate::report) fn command(outcome: &CommandOutcome) -> String {
    let command = truncate(&escape(&outcome.command.join(" ")), LONGEST_COMMAND);
    let end = match (outcome.exit_code, outcome.signal) {
        (_, Some(signal)) => format!("ended by {}", names::signal(signal)),
        (Some(code), None) => format!("exited with status {code}"),
        (None, None) => "was still running".to_owned(),
    };
    format!("command: {command} ({}) {end}", outcome.pid)
}
