//! What was sampled: call sites, and what CPUs did.

use crate::analysis::{Culprit, culprit};
use crate::model::{CallSite, CpuSite, EndpointKind, Frame};
use crate::report::graph::site_kind;
use crate::report::names;
use crate::report::parquet::column::Values::{Real, Text, Texts, Whole};
use crate::report::parquet::column::{Column, column};
use crate::report::parquet::row::{self, Located, Moved, Row, of_process};
use crate::report::recorded::whole_nanoseconds;

/// A call site, with the function that makes its bytes bounce.
pub(in crate::report::parquet) struct Site<'a> {
    site: &'a CallSite,
    culprit: Option<Culprit<'a>>,
}

impl<'a> From<&'a CallSite> for Site<'a> {
    fn from(site: &'a CallSite) -> Self {
        Self {
            site,
            culprit: culprit(site),
        }
    }
}

impl Moved for Site<'_> {
    fn ends(&self) -> (EndpointKind, EndpointKind) {
        (self.site.source, self.site.sink)
    }
}

impl Located for Site<'_> {
    fn culprit(&self) -> Option<&Frame> {
        self.culprit.map(|culprit| culprit.frame)
    }
}

pub(in crate::report::parquet) fn samples<'a>() -> Vec<Column<Row<'a, Site<'a>>>> {
    let mut columns = of_process([
        column(
            "kind",
            "bounced, zero_copy or other",
            Text(|row: &Row<'a, Site<'a>>| Some(site_kind(row.item.site.kind).replace('-', "_"))),
        ),
        column(
            "call",
            "by which call",
            Text(|row| Some(row.item.site.call.name().to_owned())),
        ),
        column(
            "class",
            "as in flows",
            Text(|row| Some(names::class(row.item.site.class).to_owned())),
        ),
        column(
            "source_name",
            "path or addresses of the source",
            Text(|row| row.item.site.source_name.as_deref().map(str::to_owned)),
        ),
        column(
            "sink_name",
            "path or addresses of the sink",
            Text(|row| row.item.site.sink_name.as_deref().map(str::to_owned)),
        ),
        column(
            "samples",
            "samples that it stands for",
            Whole(|row| Some(row.item.site.samples)),
        ),
        column(
            "bytes",
            "bytes, estimated",
            Real(|row| Some(row.item.site.bytes.value)),
        ),
        column(
            "bytes_variance",
            "variance of bytes: sums have the sum, and 1.96 times its root is half of a 95% interval",
            Real(|row| Some(row.item.site.bytes.variance)),
        ),
        column(
            "calls",
            "calls, estimated",
            Real(|row| Some(row.item.site.calls.value)),
        ),
    ]);
    columns.extend(row::ends());
    columns.extend(row::culprit());
    columns.extend([
        column(
            "write_stack",
            "functions of the call that wrote or moved the bytes, innermost first; empty: not known",
            Texts(|row: &Row<'a, Site<'a>>| row::names(Some(&row.item.site.write)))),
        column(
            "read_stack",
            "functions of the call that had read them; empty: nobody had, or not known",
            Texts(|row| row::names(row.item.site.read.as_deref()))),
        column(
            "kernel_stack",
            "the kernel's part of write_stack, where it was recorded",
            Texts(|row| row::names(row.item.site.kernel.as_deref()))),
    ]);
    columns
}

pub(in crate::report::parquet) fn cpu<'a>() -> Vec<Column<Row<'a, &'a CpuSite>>> {
    of_process([
        column(
            "syscall",
            "number of the system call in progress, if one was",
            Whole(|row: &Row<'a, &'a CpuSite>| row.item.syscall.map(u64::from)),
        ),
        column("samples", "ticks", Whole(|row| Some(row.item.samples))),
        column(
            "time_ns",
            "nanoseconds that they stand for",
            Whole(|row| Some(whole_nanoseconds(row.item.time))),
        ),
        column(
            "user_stack",
            "functions of the program, innermost first",
            Texts(|row| row::names(row.item.user.as_deref())),
        ),
        column(
            "kernel_stack",
            "functions of the kernel",
            Texts(|row| row::names(row.item.kernel.as_deref())),
        ),
    ])
}
