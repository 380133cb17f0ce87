//! Flows and findings.

use crate::model::{EndpointKind, Finding, Flow, Frame, MatchedBy, Sharing, SharingVerdict};
use crate::report::names;
use crate::report::parquet::column::Values::{Flag, Real, Text, Texts, Whole};
use crate::report::parquet::column::{Column, column};
use crate::report::parquet::row::{self, Located, Moved, Row, of_process};

impl Moved for &Flow {
    fn ends(&self) -> (EndpointKind, EndpointKind) {
        (self.source, self.sink)
    }
}

impl Moved for &Finding {
    fn ends(&self) -> (EndpointKind, EndpointKind) {
        (self.source, self.sink)
    }
}

pub(in crate::report::parquet) fn columns<'a>() -> Vec<Column<Row<'a, &'a Flow>>> {
    let mut columns = of_process([column(
        "mechanism",
        "how they moved, such as sendfile or read_write",
        Text(|row: &Row<'a, &'a Flow>| Some(row.item.mechanism.name().to_owned())),
    )]);
    columns.extend(row::ends());
    columns.extend([
        column(
            "class",
            "zero_copy, staged, bounced, mapped, transformed, generated or unknown",
            Text(|row: &Row<'a, &'a Flow>| Some(names::class(row.item.class).to_owned())),
        ),
        column(
            "evidence",
            "how the class is known, such as same_buffer",
            Text(|row| Some(row.item.class.name().to_owned())),
        ),
        column(
            "lost",
            "whether the kernel could have moved them, and did not",
            Flag(|row| Some(row.item.lost)),
        ),
        column(
            "sharing",
            "shared, kernel_copied or unknown; null where no zero-copy call moved them",
            Text(|row| {
                let verdict = row.item.sharing.verdict();
                verdict.map(SharingVerdict::name).map(str::to_owned)
            }),
        ),
        column(
            "sharing_reason",
            "why that is thought",
            Text(|row| {
                let sharing = row.item.sharing;
                (sharing != Sharing::None).then(|| sharing.name().to_owned())
            }),
        ),
        column("bytes", "bytes", Whole(|row| Some(row.item.bytes))),
        column(
            "calls",
            "calls that contributed bytes",
            Whole(|row| Some(row.item.calls)),
        ),
        column(
            "errors",
            "calls that failed",
            Whole(|row| {
                let errors = row.item.errors.values();
                Some(errors.fold(0, |sum: u64, failures| sum.saturating_add(failures.count)))
            }),
        ),
        column(
            "first_ns",
            "when the first of it was counted, in nanoseconds after the start of the recording",
            Whole(|row| row.item.first_ns),
        ),
    ]);
    columns
}

impl Located for &Finding {
    fn culprit(&self) -> Option<&Frame> {
        self.culprit.as_ref()
    }
}

pub(in crate::report::parquet) fn findings<'a>() -> Vec<Column<Row<'a, &'a Finding>>> {
    let mut columns = of_process([
        column(
            "rule",
            "id of the rule of the catalog; null: none matches",
            Text(|row: &Row<'a, &'a Finding>| row.item.rule.as_deref().map(str::to_owned)),
        ),
        column(
            "verdict",
            "what to make of it, such as fixable",
            Text(|row| Some(row.item.verdict.name().to_owned())),
        ),
        column(
            "title",
            "the rule in a few words",
            Text(|row| Some(names::title(row.item))),
        ),
        column(
            "fix",
            "what to do; null where the cause is not known, or it would not pay",
            Text(|row| names::fix(row.item).map(str::to_owned)),
        ),
        column(
            "mechanism",
            "how most of them moved",
            Text(|row| Some(row.item.mechanism.name().to_owned())),
        ),
        column(
            "lost",
            "whether the kernel could have moved them",
            Flag(|row| Some(row.item.lost)),
        ),
        column("bytes", "bytes", Whole(|row| Some(row.item.bytes.value))),
        column(
            "bytes_margin",
            "half the width of their 95% interval; 0: they were counted",
            Whole(|row| Some(row.item.bytes.margin)),
        ),
        column(
            "share",
            "their part of what the process wrote, 0 to 1",
            Real(|row| row.item.share),
        ),
        column(
            "matched_by",
            "stack or flow: by what the rule was matched",
            Text(|row| row.item.matched_by.map(MatchedBy::name).map(str::to_owned)),
        ),
        column(
            "samples",
            "samples of the stacks that led here",
            Whole(|row| Some(row.item.samples)),
        ),
    ]);
    columns.extend(row::ends());
    columns.extend(row::culprit());
    columns.extend([
        column(
            "write_stack",
            "functions that wrote most of them, innermost first; empty: not sampled",
            Texts(|row: &Row<'a, &'a Finding>| row::names(row.item.write.as_deref())),
        ),
        column(
            "read_stack",
            "functions that had read them, likewise",
            Texts(|row| row::names(row.item.read.as_deref())),
        ),
    ]);
    columns
}
