//! A comparison for programs.

use std::io;

use serde::Serialize;

use crate::analysis::comparison::{
    Change, Comparison, Direction, GroupChange, Quality, SiteChange,
};
use crate::report::graph::site_kind;
use crate::report::json::to_writer;

/// The name and version of the format.
const SCHEMA: &str = "copytax.diff/1";

#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    base: &'a [String],
    new: &'a [String],
    worse: bool,
    total: GroupEntry<'a>,
    groups: Vec<GroupEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct GroupEntry<'a> {
    name: Option<&'a str>,
    processes: Sides<usize>,
    worse: bool,
    metrics: Vec<MetricEntry>,
    sites: Vec<SiteEntry<'a>>,
}

#[derive(Debug, Serialize)]
struct Sides<T> {
    base: T,
    new: T,
}

#[derive(Debug, Serialize)]
struct MetricEntry {
    metric: &'static str,
    base: Option<f64>,
    new: Option<f64>,
    difference: Option<f64>,
    /// Half the width of its 95% interval.
    margin: Option<f64>,
    /// `None` where there is no evidence of one.
    change: Option<&'static str>,
    quality: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct SiteEntry<'a> {
    change: &'static str,
    kind: String,
    mechanism: &'static str,
    source: &'static str,
    sink: &'static str,
    function: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    bytes: f64,
    margin: f64,
}

/// Writes `comparison` as one JSON document and a newline; `base` and `new` are what was compared.
///
/// # Errors
///
/// Those of `out`.
pub fn write_comparison(
    out: &mut impl io::Write,
    comparison: &Comparison,
    base: &[String],
    new: &[String],
) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        base,
        new,
        worse: comparison.is_worse(),
        total: GroupEntry::from(&comparison.total),
        groups: comparison.groups.iter().map(GroupEntry::from).collect(),
    };
    to_writer(out, &document)
}

impl<'a> From<&'a GroupChange> for GroupEntry<'a> {
    fn from(group: &'a GroupChange) -> Self {
        Self {
            name: Some(group.name.as_str()).filter(|name| !name.is_empty()),
            processes: Sides {
                base: group.base_processes,
                new: group.new_processes,
            },
            worse: group.is_worse(),
            metrics: group.changes.iter().map(MetricEntry::from).collect(),
            sites: group.sites.iter().map(SiteEntry::from).collect(),
        }
    }
}

impl From<&Change> for MetricEntry {
    fn from(change: &Change) -> Self {
        Self {
            metric: change.metric.name(),
            base: change.base,
            new: change.new,
            difference: change.difference(),
            margin: change.margin,
            change: change.evident.map(|direction| match direction {
                Direction::Up => "up",
                Direction::Down => "down",
            }),
            quality: change.quality().map(|quality| match quality {
                Quality::Better => "better",
                Quality::Worse => "worse",
            }),
        }
    }
}

impl<'a> From<&'a SiteChange> for SiteEntry<'a> {
    fn from(site: &'a SiteChange) -> Self {
        let carrier = &site.carrier;
        let frame = site.frame.as_ref();
        Self {
            change: if site.is_new { "new" } else { "gone" },
            kind: site_kind(carrier.kind).replace('-', "_"),
            mechanism: carrier.mechanism.name(),
            source: carrier.source.name(),
            sink: carrier.sink.name(),
            function: carrier.function.as_deref(),
            file: frame.and_then(|frame| frame.file.as_deref()),
            line: frame.and_then(|frame| frame.line),
            bytes: site.bytes,
            margin: site.margin,
        }
    }
}
