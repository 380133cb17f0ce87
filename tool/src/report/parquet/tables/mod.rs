//! What the tables are, and those about whole recordings.

pub(super) mod flows;
pub(super) mod measures;
pub(super) mod sites;

use std::time::Duration;

use crate::report::parquet::column::Values::{Flag, Text, Time, Whole};
use crate::report::parquet::column::{Column, column};
use crate::report::parquet::row::{Row, identified};
use crate::report::parquet::table::{Name, name};
use crate::report::recorded::{Recorded, whole_nanoseconds};

pub(super) const RECORDINGS: Name = name("recordings", "a recording");
pub(super) const LOSSES: Name = name("losses", "a counter of what a recording could not count");
pub(super) const PROCESSES: Name = name(
    "processes",
    "a process of a recording, with its bytes by class",
);
pub(super) const FLOWS: Name = name(
    "flows",
    "bytes that a process moved in one way between two kinds of ends",
);
pub(super) const SAMPLES: Name = name(
    "samples",
    "a call site: a way through a program by which bytes move, estimated from samples",
);
pub(super) const CPU: Name = name("cpu", "what a process did at ticks of the clock");
pub(super) const FINDINGS: Name = name(
    "findings",
    "bytes that took a slower way than the kernel has, and why",
);
pub(super) const INTERVALS: Name = name(
    "intervals",
    "what a process wrote in a short time, if it wrote anything",
);

/// A recording, and how many processes are left out of it.
type Whose<'a> = (&'a Recorded<'a>, usize);

pub(super) fn recordings<'a>() -> Vec<Column<Row<'a, Whose<'a>>>> {
    identified([
        column(
            "file",
            "the file, as it was given",
            Text(|row: &Row<'a, Whose<'a>>| Some(row.item.0.file.to_owned())),
        ),
        column(
            "hostname",
            "what it calls its machine; null if it is redacted",
            Text(|row| {
                let name = &row.item.0.audit.host.hostname;
                Some(name.clone()).filter(|name| !name.is_empty())
            }),
        ),
        column(
            "start",
            "when counting began",
            Time(|row| row.moment(Duration::ZERO)),
        ),
        column(
            "duration_ns",
            "how long it lasted, in nanoseconds",
            Whole(|row| Some(whole_nanoseconds(row.item.0.audit.window.duration))),
        ),
        column(
            "engine",
            "how the kernel half was attached: raw, tracepoint",
            Text(|row| Some(row.item.0.audit.engine.name().to_owned())),
        ),
        column(
            "kernel",
            "release of the kernel",
            Text(|row| Some(row.item.0.audit.host.kernel.clone())),
        ),
        column(
            "arch",
            "architecture",
            Text(|row| Some(row.item.0.audit.host.arch.clone())),
        ),
        column(
            "cpus",
            "processors",
            Whole(|row| Some(u64::from(row.item.0.audit.host.cpus))),
        ),
        column(
            "complete",
            "false: it was cut short, is still being recorded, or is damaged",
            Flag(|row| Some(!row.item.0.audit.is_incomplete)),
        ),
        column(
            "damage",
            "what is wrong with the file, where something is: numbers may be wrong then",
            Text(|row| row.item.0.damage.map(str::to_owned)),
        ),
        column(
            "left_out_processes",
            "processes that another recording counts, whose time overlaps: they have no rows of this one",
            Whole(|row| Some(row.item.1 as u64)),
        ),
    ])
}

type Loss = (&'static str, Option<u64>);

pub(super) fn losses<'a>() -> Vec<Column<Row<'a, Loss>>> {
    identified([
        column(
            "counter",
            "which one, as `loss` of the JSON report has it",
            Text(|row: &Row<'a, Loss>| Some(row.item.0.to_owned())),
        ),
        column(
            "count",
            "how often; null: cannot be known",
            Whole(|row| row.item.1),
        ),
    ])
}
