//! The flows of one process.

use std::collections::BTreeMap;
use std::io;

use crate::analysis::kernel_path;
use crate::model::{Class, EndpointKind, Flow, Mechanism, ProcessAudit};
use crate::report::escape::{escape, truncate, width};
use crate::report::text::layout::Page;
use crate::report::text::{command_name, wrap};
use crate::report::{names, units};

/// Flows shown of a process.
const SHOWN: usize = 4;
const CONTAINER_ID: usize = 12;

/// Writes the largest flows of `process`, and its failed zero-copy calls.
pub(super) fn write(
    out: &mut impl io::Write,
    page: &Page,
    process: &ProcessAudit,
) -> io::Result<()> {
    writeln!(out, "{}", title(page, process))?;
    let moving: Vec<&Flow> = process.flows.iter().filter(|flow| flow.bytes > 0).collect();
    let (shown, smaller) = moving.split_at(moving.len().min(SHOWN));
    let columns = Columns::of(shown);
    for flow in shown {
        write_flow(out, page, flow, &columns)?;
    }
    if !smaller.is_empty() {
        let bytes: u64 = smaller.iter().map(|flow| flow.bytes).sum();
        let flows = units::counted(smaller.len() as u64, "smaller flow", "smaller flows");
        writeln!(out, "  and {flows} ({})", units::bytes(bytes))?;
    }
    for flow in &process.flows {
        let errors = flow
            .errors
            .iter()
            .map(|(&errno, failures)| (errno, failures.count));
        write_errors(out, page, (flow.mechanism, flow.source, flow.sink), errors)?;
    }
    Ok(())
}

/// Writes the failed zero-copy calls of processes whose flows are not shown, summed.
pub(super) fn write_errors_of_others(
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
        write_errors(out, page, key, errors.into_iter())?;
    }
    Ok(())
}

fn title(page: &Page, process: &ProcessAudit) -> String {
    let facts = &process.facts;
    let exited = if facts.exited { ", exited" } else { "" };
    let name = format!("{} ({}{exited})", command_name(process, 20), process.id.pid);
    let mut rest = String::new();
    if let Some(id) = &facts.container_id {
        rest += &format!("  container {}", truncate_id(&escape(id)));
    }
    if facts.cmdline.is_empty() {
        if let Some(exe) = &facts.exe {
            rest += &format!("  {}", escape(exe));
        }
    } else {
        rest += &format!("  {}", escape(&facts.cmdline.join(" ")));
    }
    let room = page.width.saturating_sub(width(&name));
    page.bold(&name) + truncate(&rest, room).trim_end()
}

/// The form that container tools print.
fn truncate_id(id: &str) -> String {
    id.chars().take(CONTAINER_ID).collect()
}

/// What the flows of one process are aligned by.
struct Columns {
    label: usize,
    size: usize,
    ends: usize,
}

impl Columns {
    fn of(flows: &[&Flow]) -> Self {
        let widest = |usual: usize, text: &dyn Fn(&Flow) -> String| {
            let widths = flows.iter().map(|flow| text(flow).len());
            widths.fold(usual, usize::max)
        };
        // At least what most processes need, so that most of them are aligned alike.
        Self {
            label: widest(9, &label),
            size: widest(9, &|flow| units::bytes(flow.bytes)),
            ends: widest(0, &|flow| endpoints(flow.source, flow.sink)),
        }
    }
}

fn label(flow: &Flow) -> String {
    if flow.lost {
        return "lost".to_owned();
    }
    names::class(flow.class).replace('_', "-")
}

fn write_flow(
    out: &mut impl io::Write,
    page: &Page,
    flow: &Flow,
    columns: &Columns,
) -> io::Result<()> {
    let label = label(flow);
    let padding = " ".repeat(columns.label - label.len());
    let label = match flow.class {
        _ if flow.lost => page.bad(&label),
        Class::ZeroCopy => page.good(&label),
        _ => label,
    };
    let size = units::bytes(flow.bytes);
    let ends = endpoints(flow.source, flow.sink);
    let calls = units::counted(flow.calls, "call", "calls");
    let mut items = vec![format!("{size:>width$}", width = columns.size)];
    let first = 2 + columns.label + 2;
    let indent = if page.is_wide() {
        items.push(format!("{ends:<width$}", width = columns.ends));
        items.push(format!("{} ({calls})", how(flow)));
        first + columns.size + 2
    } else {
        items.extend([ends, how(flow).to_owned(), format!("({calls})")]);
        4
    };
    items.extend(remark(flow));
    let text = wrap(&items, "  ", first, indent, page.width);
    writeln!(out, "  {label}{padding}  {text}")
}

/// How the bytes moved, and how that is known.
fn how(flow: &Flow) -> &'static str {
    match (flow.mechanism, flow.class) {
        (Mechanism::ReadWrite, Class::SameBuffer) => "read+write, same buffer",
        (Mechanism::ReadWrite, Class::SameContent) => "read+write, same content",
        (Mechanism::ReadWrite, Class::SameSize) => "read+write, changed",
        (Mechanism::ReadWrite, Class::Generated) => "write, not read before",
        (Mechanism::ReadWrite, _) => "write, not looked at",
        (mechanism, _) => mechanism.name(),
    }
}

/// What to make of the flow.
fn remark(flow: &Flow) -> Option<String> {
    if flow.lost {
        let path = kernel_path(flow.source, flow.sink)?;
        return Some(format!("kernel path: {}", path.name()));
    }
    match flow.class {
        Class::SameBuffer | Class::SameContent => Some("no kernel path".to_owned()),
        Class::Staged => Some("counts on delivery".to_owned()),
        _ => None,
    }
}

fn write_errors(
    out: &mut impl io::Write,
    page: &Page,
    (mechanism, source, sink): (Mechanism, EndpointKind, EndpointKind),
    errors: impl Iterator<Item = (u16, u64)>,
) -> io::Result<()> {
    let errors: Vec<String> = errors
        .map(|(errno, times)| {
            let (name, times) = (names::errno(errno), units::count(times));
            match names::harmless(errno) {
                Some(why) => format!("{name} x{times} ({why})"),
                None => format!("{name} x{times}"),
            }
        })
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    let text = format!(
        "  {} {} failed: {}",
        mechanism.name(),
        endpoints(source, sink),
        errors.join(", ")
    );
    writeln!(out, "{}", page.hanging(&text, 4))
}

fn endpoints(source: EndpointKind, sink: EndpointKind) -> String {
    let name = |kind: EndpointKind| match kind {
        EndpointKind::None => "process",
        _ => kind.name(),
    };
    format!("{} -> {}", name(source), name(sink))
}
