//! Zero-copy calls that failed, and what came after them.

use std::collections::BTreeMap;
use std::io;

use crate::model::{EndpointKind, Fallback, Flow, Mechanism, ProcessAudit};
use crate::report::text::flows::endpoints;
use crate::report::text::layout::{Page, wrap};
use crate::report::{names, units};

/// Where failed calls are summed.
type Kind = (Mechanism, EndpointKind, EndpointKind);

/// Writes the failed zero-copy calls of `process`; those after which bytes bounced say so.
pub(super) fn write(
    out: &mut impl io::Write,
    page: &Page,
    process: &ProcessAudit,
) -> io::Result<()> {
    for flow in &process.flows {
        let errors = flow
            .errors
            .iter()
            .filter(|(errno, _)| !has_fallback(process, flow, **errno))
            .map(|(&errno, failures)| (errno, failures.count));
        write_kind(out, page, (flow.mechanism, flow.source, flow.sink), errors)?;
    }
    for fallback in &process.fallbacks {
        let text = wrap(&sentence(fallback), " ", 2, 4, page.width);
        writeln!(out, "  {text}")?;
    }
    Ok(())
}

/// Writes the failed zero-copy calls of processes whose flows are not shown, summed.
pub(super) fn write_of_others(
    out: &mut impl io::Write,
    page: &Page,
    others: &[&ProcessAudit],
) -> io::Result<()> {
    let mut sums: BTreeMap<_, BTreeMap<u16, u64>> = BTreeMap::new();
    for flow in others.iter().flat_map(|process| &process.flows) {
        for (&errno, failures) in &flow.errors {
            let key = (flow.mechanism, flow.source, flow.sink);
            let sum = sums.entry(key).or_default().entry(errno).or_default();
            *sum = sum.saturating_add(failures.count);
        }
    }
    if sums.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", page.bold("other processes"))?;
    for (key, errors) in sums {
        write_kind(out, page, key, errors.into_iter())?;
    }
    Ok(())
}

fn has_fallback(process: &ProcessAudit, flow: &Flow, errno: u16) -> bool {
    process.fallbacks.iter().any(|fallback| {
        (
            fallback.mechanism,
            fallback.source,
            fallback.sink,
            fallback.errno,
        ) == (flow.mechanism, flow.source, flow.sink, errno)
    })
}

fn write_kind(
    out: &mut impl io::Write,
    page: &Page,
    kind: Kind,
    errors: impl Iterator<Item = (u16, u64)>,
) -> io::Result<()> {
    let errors: Vec<String> = errors
        .map(|(errno, times)| {
            let text = times_of(errno, times);
            match names::harmless(errno) {
                Some(why) => format!("{text} ({why})"),
                None => text,
            }
        })
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    let text = format!("  {} failed: {}", name(kind), errors.join(", "));
    writeln!(out, "{}", page.hanging(&text, 4))
}

/// The refusal and the bounce, with their times: how near they are tells how sure the link is.
/// In pieces that are not to be broken.
fn sentence(fallback: &Fallback) -> [String; 4] {
    let Fallback {
        mechanism,
        source,
        sink,
        errno,
        failures,
        then,
    } = *fallback;
    let ends = if (then.source, then.sink) == (source, sink) {
        String::new()
    } else {
        format!(" {}", endpoints(then.source, then.sink))
    };
    [
        format!("{} failed:", name((mechanism, source, sink))),
        format!(
            "{} at {};",
            times_of(errno, failures.count),
            units::offset(failures.first_ns)
        ),
        format!("read+write{ends}"),
        format!("began at {}", units::offset(then.first_ns)),
    ]
}

fn name((mechanism, source, sink): Kind) -> String {
    format!("{} {}", mechanism.name(), endpoints(source, sink))
}

fn times_of(errno: u16, times: u64) -> String {
    format!("{} x{}", names::errno(errno), units::count(times))
}
