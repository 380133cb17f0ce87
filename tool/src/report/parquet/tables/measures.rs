//! Bytes by class: of processes, and of intervals.

use std::time::Duration;

use crate::model::{ByteClasses, Moment, ProcessAudit};
use crate::report::parquet::column::Values::{Flag, Real, Text, Texts, Time, Whole};
use crate::report::parquet::column::{Column, column};
use crate::report::parquet::row::{Row, of_process};
use crate::report::recorded::whole_nanoseconds;

/// What has bytes by class.
trait Classes {
    fn bytes(&self) -> &ByteClasses;
}

impl Classes for Row<'_, &ProcessAudit> {
    fn bytes(&self) -> &ByteClasses {
        &self.item.bytes
    }
}

impl Classes for Row<'_, Interval> {
    fn bytes(&self) -> &ByteClasses {
        &self.item.1.bytes
    }
}

pub(in crate::report::parquet) fn processes<'a>() -> Vec<Column<Row<'a, &'a ProcessAudit>>> {
    let mut columns = of_process([
        column(
            "cmdline",
            "arguments; empty: not known",
            Texts(|row: &Row<'a, &'a ProcessAudit>| row.item.facts.cmdline.clone()),
        ),
        column(
            "runtime",
            "what it runs on",
            Text(|row| {
                let runtime = row.item.facts.runtime.as_ref()?;
                Some(runtime.name.name().to_owned())
            }),
        ),
        column(
            "runtime_version",
            "its version",
            Text(|row| row.item.facts.runtime.as_ref()?.version.clone()),
        ),
        column(
            "exited",
            "whether it was gone at the end",
            Flag(|row| Some(row.item.facts.exited)),
        ),
        column(
            "hit_rate",
            "zero_copy / (zero_copy + lost); null where both are 0",
            Real(|row| row.item.hit_rate),
        ),
    ]);
    columns.extend(classes());
    columns.push(column(
        "kernel_copied",
        "bytes: the part of zero_copy that the kernel copied",
        Whole(|row| Some(row.item.bytes.kernel_copied)),
    ));
    columns
}

/// When it begins, after the recording, and what was written.
type Interval = (Duration, Moment);

pub(in crate::report::parquet) fn intervals<'a>() -> Vec<Column<Row<'a, Interval>>> {
    let mut columns = of_process([
        column(
            "start",
            "when it begins",
            Time(|row: &Row<'a, Interval>| row.moment(row.item.0)),
        ),
        column(
            "duration_ns",
            "how long it is, in nanoseconds",
            Whole(|row| Some(whole_nanoseconds(row.item.1.length))),
        ),
    ]);
    columns.extend(classes());
    columns
}

fn classes<R: Classes>() -> [Column<R>; 8] {
    [
        column(
            "zero_copy",
            "bytes: delivered by zero-copy calls",
            Whole(|row: &R| Some(row.bytes().zero_copy)),
        ),
        column(
            "staged",
            "bytes: moved into a pipe by reference; they count again when they leave it",
            Whole(|row| Some(row.bytes().staged)),
        ),
        column(
            "bounced",
            "bytes: read, and written unmodified",
            Whole(|row| Some(row.bytes().bounced)),
        ),
        column(
            "lost",
            "bytes: the part of bounced that the kernel could have moved",
            Whole(|row| Some(row.bytes().lost)),
        ),
        column(
            "mapped",
            "bytes: written from the mapping of a file",
            Whole(|row| Some(row.bytes().mapped)),
        ),
        column(
            "transformed",
            "bytes: changed between read and write",
            Whole(|row| Some(row.bytes().transformed)),
        ),
        column(
            "generated",
            "bytes: made by the process",
            Whole(|row| Some(row.bytes().generated)),
        ),
        column(
            "unknown",
            "bytes: could not be looked at",
            Whole(|row| Some(row.bytes().unknown)),
        ),
    ]
}
