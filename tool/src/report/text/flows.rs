//! The flows of one process.

use std::io;

use crate::analysis::{is_of_flow, route, transfers};
use crate::model::{
    CallSite, Class, CompressionLike, EndpointKind, Flow, Mechanism, ProcessAudit, ProcessFacts,
    Profile, Runtime, SharingVerdict,
};
use crate::report::escape::{escape, truncate, width};
use crate::report::text::layout::Page;
use crate::report::text::{command_name, failures, sites, wrap};
use crate::report::{names, units};

/// Flows shown of a process.
const SHOWN: usize = 4;
const CONTAINER_ID: usize = 12;

/// Writes the largest flows of `process`, who makes the lost ones bounce as far as `profile` knows,
/// what to make of them together, and its failed zero-copy calls.
pub(super) fn write(
    out: &mut impl io::Write,
    page: &Page,
    process: &ProcessAudit,
    profile: Option<&Profile>,
) -> io::Result<()> {
    writeln!(out, "{}", title(page, process))?;
    let moving: Vec<&Flow> = process.flows.iter().filter(|flow| flow.bytes > 0).collect();
    let (shown, smaller) = moving.split_at(moving.len().min(SHOWN));
    let columns = Columns::of(shown);
    for flow in shown {
        write_flow(out, page, flow, &process.flows, &columns)?;
        if flow.lost {
            let sites = sites_of(profile, process, flow);
            sites::write(out, page, &sites)?;
        }
    }
    if !smaller.is_empty() {
        let bytes: u64 = smaller.iter().map(|flow| flow.bytes).sum();
        let flows = units::counted(smaller.len() as u64, "smaller flow", "smaller flows");
        writeln!(out, "  and {flows} ({})", units::bytes(bytes))?;
    }
    for text in remarks(process) {
        writeln!(out, "{}", page.hanging(&format!("  {text}"), 4))?;
    }
    failures::write(out, page, process)
}

/// The call sites of a flow.
fn sites_of<'a>(
    profile: Option<&'a Profile>,
    process: &ProcessAudit,
    flow: &Flow,
) -> Vec<&'a CallSite> {
    let sites = profile.into_iter().flat_map(|profile| &profile.call_sites);
    sites
        .filter(|site| site.process == process.id && is_of_flow(site, flow))
        .collect()
}

/// What no single flow shows.
fn remarks(process: &ProcessAudit) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(CompressionLike { read, written }) = process.compression_like {
        remarks.push(format!(
            "compression-like: {} read from files, {} made and sent to sockets",
            units::bytes(read),
            units::bytes(written),
        ));
    }
    if process.facts.af_xdp == Some(true) {
        remarks.push(
            "moves packets by AF_XDP, which is not counted: its hit rate leaves them out"
                .to_owned(),
        );
    }
    remarks
}

fn title(page: &Page, process: &ProcessAudit) -> String {
    let facts = &process.facts;
    let exited = if facts.exited { ", exited" } else { "" };
    let name = format!("{} ({}{exited})", command_name(process, 20), process.id.pid);
    let mut rest = runtime(page, facts).unwrap_or_default();
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

/// What it runs on, where that is more than a language and there is room for it.
fn runtime(page: &Page, facts: &ProcessFacts) -> Option<String> {
    let Runtime { name, version, .. } = facts.runtime.as_ref().filter(|_| page.is_wide())?;
    Some(format!("  {} {}", name.name(), version.as_deref()?))
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

pub(in crate::report) fn label(flow: &Flow) -> String {
    if flow.lost {
        return "lost".to_owned();
    }
    names::class(flow.class).replace('_', "-")
}

fn write_flow(
    out: &mut impl io::Write,
    page: &Page,
    flow: &Flow,
    others: &[Flow],
    columns: &Columns,
) -> io::Result<()> {
    let label = label(flow);
    let padding = " ".repeat(columns.label - label.len());
    let label = match flow.class {
        _ if flow.lost => page.bad(&label),
        Class::ZeroCopy | Class::ByReference if !is_copied(flow) => page.good(&label),
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
    items.extend(remark(flow, others));
    items.extend(sizes(flow));
    let text = wrap(&items, "  ", first, indent, page.width);
    writeln!(out, "  {label}{padding}  {text}")
}

/// How the bytes moved, and how that is known.
pub(crate) fn how(flow: &Flow) -> &'static str {
    match (flow.mechanism, flow.class) {
        (Mechanism::ReadWrite, Class::SameBuffer) => "read+write, same buffer",
        (Mechanism::ReadWrite, Class::SameContent) => "read+write, same content",
        (Mechanism::ReadWrite, Class::SameSize) => "read+write, changed",
        (Mechanism::ReadWrite, Class::TlsRecord) => "write, TLS records",
        (Mechanism::ReadWrite, Class::Generated) => "write, not read before",
        (Mechanism::ReadWrite, _) => "write, not looked at",
        (Mechanism::MmapWrite, _) => "write of a file mapping",
        (mechanism, _) => mechanism.name(),
    }
}

/// What to make of the flow.
fn remark(flow: &Flow, others: &[Flow]) -> Option<String> {
    if is_copied(flow) {
        let why = names::copied(flow.sharing);
        return Some(format!("copied by the kernel: {why}"));
    }
    match flow.class {
        Class::SameBuffer | Class::SameContent => {
            Some(match route(flow.source, flow.sink).kernel_path {
                Ok(path) => format!("kernel path: {}", path.words()),
                Err(reason) => format!("no kernel path: {}", reason.words()),
            })
        }
        Class::Staged => Some("counts on delivery".to_owned()),
        _ if is_the_doubtful_one(flow, others) => {
            Some("copied by the kernel or not: unknown".to_owned())
        }
        _ => None,
    }
}

/// Whether a zero-copy call moved the bytes, but the kernel copied them.
pub(in crate::report) fn is_copied(flow: &Flow) -> bool {
    flow.sharing.verdict() == Some(SharingVerdict::Copied)
}

/// Whether nothing else would tell the flow from another of the process: of one it is known whether
/// the kernel shared its bytes, of the other not.
fn is_the_doubtful_one(flow: &Flow, others: &[Flow]) -> bool {
    let kind = |flow: &Flow| (flow.mechanism, flow.source, flow.sink, flow.class);
    flow.sharing.verdict() == Some(SharingVerdict::Unknown)
        && others.iter().any(|other| {
            kind(other) == kind(flow) && other.sharing.verdict() != flow.sharing.verdict()
        })
}

/// How long the runs of consecutive bytes are, where a kernel path is or could be taken.
fn sizes(flow: &Flow) -> Option<String> {
    if matches!(flow.class, Class::Staged) {
        return None;
    }
    let transfers = transfers(&flow.transfers)?;
    if transfers.count == 1 {
        return Some("1 transfer".to_owned());
    }
    Some(format!(
        "{} transfers of ~{}",
        units::count(transfers.count),
        units::bytes(transfers.typical_size()),
    ))
}

/// Both ends of a flow.
pub(crate) fn endpoints(source: EndpointKind, sink: EndpointKind) -> String {
    let name = |kind: EndpointKind| match kind {
        EndpointKind::None => "process",
        _ => kind.name(),
    };
    format!("{} -> {}", name(source), name(sink))
}
