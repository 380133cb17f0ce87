//! What all rows begin with.

use std::time::{Duration, SystemTime};

use crate::analysis::fleet::{Pool, recording_id, service_name};
use crate::analysis::frame_name;
use crate::model::{Audit, EndpointKind, Frame, ProcessFacts, ProcessId, Stack};
use crate::report::parquet::column::Values::{Text, Whole};
use crate::report::parquet::column::{Column, column};

/// Of which recording, and of which machine.
pub(super) struct Identity {
    pub(super) recording: String,
    pub(super) host: String,
    pub(super) start: SystemTime,
}

impl Identity {
    /// That of `audits[index]`.
    pub(super) fn new(audits: &[&Audit], pool: &Pool, index: usize) -> Self {
        let host = pool.host_of(index).map(|host| {
            let first = pool.hosts[host].recordings[0];
            pool.label(host, &recording_id(audits[first]))
        });
        Self {
            recording: recording_id(audits[index]),
            host: host.unwrap_or_default(),
            start: audits[index].window.start,
        }
    }
}

/// Of which process.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) id: ProcessId,
    pub(super) facts: Option<&'a ProcessFacts>,
}

/// A row.
pub(super) struct Row<'a, T> {
    pub(super) of: &'a Identity,
    pub(super) who: Option<Who<'a>>,
    pub(super) item: T,
}

impl<'a, T> Row<'a, T> {
    fn fact<U>(&self, read: impl FnOnce(&'a ProcessFacts) -> Option<U>) -> Option<U> {
        self.who?.facts.and_then(read)
    }

    /// A moment so long after the recording's begin, in microseconds since 1970.
    pub(super) fn moment(&self, after: Duration) -> Option<i64> {
        let begin = self.of.start.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        i64::try_from(begin.checked_add(after)?.as_micros()).ok()
    }
}

/// With these columns in front: the recording and the machine.
pub(super) fn identified<'a, T>(
    columns: impl IntoIterator<Item = Column<Row<'a, T>>>,
) -> Vec<Column<Row<'a, T>>> {
    let mut all = vec![
        column(
            "recording",
            "id of the recording, the same in each export",
            Text(|row: &Row<'a, T>| Some(row.of.recording.clone())),
        ),
        column(
            "host",
            "name of its machine, or `unnamed` and an id; a second machine of a name has a number",
            Text(|row| Some(row.of.host.clone())),
        ),
    ];
    all.extend(columns);
    all
}

/// And the process.
pub(super) fn of_process<'a, T>(
    columns: impl IntoIterator<Item = Column<Row<'a, T>>>,
) -> Vec<Column<Row<'a, T>>> {
    let mut all = identified([
        column(
            "service",
            "path of the executable, else the command name, as in `merge --by exe`",
            Text(|row: &Row<'a, T>| row.fact(|facts| known(service_name(facts)))),
        ),
        column(
            "pid",
            "process id",
            Whole(|row| row.who.map(|who| u64::from(who.id.pid))),
        ),
        column(
            "process_start_ns",
            "nanoseconds from boot to the start of the process; with pid and host, which one it is",
            Whole(|row| row.who.map(|who| who.id.start_time_ns)),
        ),
        column(
            "comm",
            "command name",
            Text(|row| row.fact(|facts| known(facts.comm.clone()))),
        ),
        column(
            "exe",
            "path of the executable",
            Text(|row| row.fact(|facts| facts.exe.clone())),
        ),
        column(
            "cgroup",
            "path of the cgroup",
            Text(|row| row.fact(|facts| facts.cgroup.clone())),
        ),
        column(
            "container_id",
            "container id",
            Text(|row| row.fact(|facts| facts.container_id.clone())),
        ),
    ]);
    all.extend(columns);
    all
}

fn known(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// What has two ends.
pub(super) trait Moved {
    /// Where its bytes come from, and where they go.
    fn ends(&self) -> (EndpointKind, EndpointKind);
}

/// Its ends.
pub(super) fn ends<'a, T: Moved + 'a>() -> [Column<Row<'a, T>>; 2] {
    [
        column(
            "source",
            "kind of end that the bytes came from; none: the process made them",
            Text(|row: &Row<'a, T>| Some(row.item.ends().0.name().to_owned())),
        ),
        column(
            "sink",
            "kind of end that they went to",
            Text(|row| Some(row.item.ends().1.name().to_owned())),
        ),
    ]
}

/// What a function may have been found for.
pub(super) trait Located {
    /// The function that makes the bytes bounce, where it is known.
    fn culprit(&self) -> Option<&Frame>;
}

/// Where that function is.
pub(super) fn culprit<'a, T: Located + 'a>() -> [Column<Row<'a, T>>; 3] {
    [
        column(
            "culprit_function",
            "the function that makes the bytes bounce, where it is known",
            Text(|row: &Row<'a, T>| row.item.culprit().map(name)),
        ),
        column(
            "culprit_file",
            "its source file",
            Text(|row| row.item.culprit()?.file.as_deref().map(str::to_owned)),
        ),
        column(
            "culprit_line",
            "the line in it",
            Whole(|row| row.item.culprit()?.line.map(u64::from)),
        ),
    ]
}

/// The names of its functions.
pub(super) fn names(stack: Option<&Stack>) -> Vec<String> {
    let frames = stack.map_or(&[][..], |stack| &stack.frames);
    frames.iter().map(name).collect()
}

/// The name of a function.
fn name(frame: &Frame) -> String {
    frame_name(frame).into_owned()
}
