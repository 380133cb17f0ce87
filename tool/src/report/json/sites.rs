//! The call sites and the CPU time of a process.

use serde::Serialize;

use crate::analysis::{CpuTime, Culprit, Sites, culprit, frame_name, role, share};
use crate::model::{CallSite, Estimate, Frame, Stack, StackEnd};
use crate::report::graph::site_kind;
use crate::report::json::flow::evidence;

/// One way by which bytes move.
#[derive(Debug, Serialize)]
pub(super) struct CallSiteEntry<'a> {
    kind: String,
    call: &'static str,
    source: &'static str,
    sink: &'static str,
    evidence: Option<&'static str>,
    source_name: Option<&'a str>,
    sink_name: Option<&'a str>,
    bytes: EstimateEntry,
    calls: EstimateEntry,
    samples: u64,
    culprit: Option<CulpritEntry<'a>>,
    stacks: Stacks<'a>,
}

/// An estimate, and half the width of its 95 % interval.
#[derive(Debug, Serialize)]
struct EstimateEntry {
    value: u64,
    margin: u64,
}

#[derive(Debug, Serialize)]
struct CulpritEntry<'a> {
    place: &'static str,
    function: String,
    file: Option<&'a str>,
    line: Option<u32>,
    through: Option<String>,
}

#[derive(Debug, Serialize)]
struct Stacks<'a> {
    write: StackEntry<'a>,
    read: Option<StackEntry<'a>>,
    kernel: Option<StackEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct StackEntry<'a> {
    end: &'static str,
    frames: Vec<FrameEntry<'a>>,
}

/// One function of a stack.
#[derive(Debug, Serialize)]
pub(super) struct FrameEntry<'a> {
    function: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    module: Option<&'a str>,
    address: u64,
    inlined: bool,
    role: &'static str,
}

/// Time on CPUs. Not measured is null, not 0.
#[derive(Debug, Default, Serialize)]
pub(super) struct CpuEntry {
    total_ns: Option<u64>,
    in_syscall_ns: Option<u64>,
    copying_ns: Option<u64>,
    total_margin_ns: Option<u64>,
    in_syscall_margin_ns: Option<u64>,
    copying_margin_ns: Option<u64>,
}

impl<'a> CallSiteEntry<'a> {
    /// `total` is what all call sites of the same bytes add up to.
    pub(super) fn of(site: &'a CallSite, total: Sites) -> Self {
        let (_, margin) = share(site.bytes, total.bytes, total.samples);
        Self {
            kind: site_kind(site.kind).replace('-', "_"),
            call: site.call.name(),
            source: site.source.name(),
            sink: site.sink.name(),
            evidence: evidence(site.class),
            source_name: site.source_name.as_deref(),
            sink_name: site.sink_name.as_deref(),
            bytes: EstimateEntry {
                value: whole(site.bytes.value),
                margin: whole(margin * total.bytes.value),
            },
            calls: EstimateEntry::from(site.calls),
            samples: site.samples,
            culprit: culprit(site).map(CulpritEntry::from),
            stacks: Stacks {
                write: StackEntry::from(&*site.write),
                read: site.read.as_deref().map(StackEntry::from),
                kernel: site.kernel.as_deref().map(StackEntry::from),
            },
        }
    }
}

impl<'a> From<Culprit<'a>> for CulpritEntry<'a> {
    fn from(culprit: Culprit<'a>) -> Self {
        Self {
            place: culprit.place.name(),
            function: frame_name(culprit.frame).into_owned(),
            file: culprit.frame.file.as_deref(),
            line: culprit.frame.line,
            through: culprit.through.map(|frame| frame_name(frame).into_owned()),
        }
    }
}

impl<'a> From<&'a Stack> for StackEntry<'a> {
    fn from(stack: &'a Stack) -> Self {
        Self {
            end: match stack.end {
                StackEnd::Entry => "entry",
                StackEnd::Cut => "cut",
                StackEnd::Broken => "broken",
            },
            frames: stack.frames.iter().map(FrameEntry::from).collect(),
        }
    }
}

impl<'a> From<&'a Frame> for FrameEntry<'a> {
    fn from(frame: &'a Frame) -> Self {
        Self {
            function: frame.function.as_deref(),
            file: frame.file.as_deref(),
            line: frame.line,
            module: frame.module.as_deref(),
            address: frame.address,
            inlined: frame.is_inlined,
            role: role(frame).name(),
        }
    }
}

impl From<&CpuTime> for CpuEntry {
    fn from(time: &CpuTime) -> Self {
        let (moving, copying) = (time.moving(), time.copying());
        Self {
            total_ns: Some(whole(time.total.value)),
            in_syscall_ns: Some(whole(moving.value)),
            copying_ns: Some(whole(copying.value)),
            total_margin_ns: Some(whole(time.total.margin())),
            in_syscall_margin_ns: Some(whole(moving.margin())),
            copying_margin_ns: Some(whole(copying.margin())),
        }
    }
}

impl From<Estimate> for EstimateEntry {
    fn from(estimate: Estimate) -> Self {
        Self {
            value: whole(estimate.value),
            margin: whole(estimate.margin()),
        }
    }
}

/// Negative numbers do not come up, and are 0 then; larger ones saturate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
