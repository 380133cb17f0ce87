//! What was counted, in a range of steps.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use crate::model::{
    Call, Class, EndpointKind, ErrorCount, FlowCount, Sharing, Snapshot, TransferCount,
};
use crate::recording::counts::{CounterKey, Counts, Kind};
use crate::recording::reader::steps::Range;
use crate::recording::reader::{Wanted, named, optional, unsigned, wrong};
use crate::recording::series;

/// Counters by their rows.
pub(super) struct Counters(BTreeMap<i64, Counter>);

/// One of them.
struct Counter {
    key: CounterKey,
    first_ns: u64,
    sum: Counts,
}

/// Steps that were put together.
pub(super) struct Chunk {
    pub(super) first: u32,
    pub(super) last: u32,
}

/// Reads the sums of the processes that are wanted.
pub(super) fn read(
    file: &Connection,
    range: &Range,
    wanted: &Wanted,
) -> rusqlite::Result<Counters> {
    let mut counters = Counters::read(file, wanted)?;
    let chunks = chunks(file)?;
    let mut query = file.prepare("SELECT * FROM counter_chunk")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let chunk = chunk_of(row, &chunks)?;
        let Some(counter) = counters.0.get_mut(&row.get(1)?) else {
            continue;
        };
        if chunk.last < range.first || chunk.first > range.last {
            continue;
        }
        let sum = if range.contains(chunk.first) && range.contains(chunk.last) {
            counts(row, 2)?
        } else {
            let steps = steps_of(row, chunk, range)?.into_iter();
            let counts = steps.map(|(_, counts)| counts);
            counts.fold(Counts::default(), Counts::plus)
        };
        counter.sum = counter.sum.plus(sum);
    }
    let mut query = file.prepare("SELECT * FROM counter_step WHERE step BETWEEN ?1 AND ?2")?;
    let mut rows = query.query([range.first, range.last])?;
    while let Some(row) = rows.next()? {
        if let Some(counter) = counters.0.get_mut(&row.get(1)?) {
            counter.sum = counter.sum.plus(counts(row, 2)?);
        }
    }
    Ok(counters)
}

/// Shows what each wanted counter has in each step of the range, those without anything left out.
pub(super) fn visit_steps(
    file: &Connection,
    range: &Range,
    is_wanted: impl Fn(i64) -> bool,
    mut show: impl FnMut(i64, u32, Counts),
) -> rusqlite::Result<()> {
    let chunks = chunks(file)?;
    let mut query = file.prepare("SELECT * FROM counter_chunk")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let chunk = chunk_of(row, &chunks)?;
        let counter = row.get(1)?;
        if chunk.last < range.first || chunk.first > range.last || !is_wanted(counter) {
            continue;
        }
        for (step, counts) in steps_of(row, chunk, range)? {
            show(counter, step, counts);
        }
    }
    let mut query = file.prepare("SELECT * FROM counter_step WHERE step BETWEEN ?1 AND ?2")?;
    let mut rows = query.query([range.first, range.last])?;
    while let Some(row) = rows.next()? {
        let counter = row.get(1)?;
        if is_wanted(counter) {
            show(counter, row.get(0)?, counts(row, 2)?);
        }
    }
    Ok(())
}

pub(super) fn chunks(file: &Connection) -> rusqlite::Result<BTreeMap<i64, Chunk>> {
    let mut query = file.prepare("SELECT id, first_step, last_step FROM chunk")?;
    let chunks = query.query_map([], |row| {
        let (first, last) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, Chunk { first, last }))
    })?;
    chunks.collect()
}

fn chunk_of<'a>(row: &Row<'_>, chunks: &'a BTreeMap<i64, Chunk>) -> rusqlite::Result<&'a Chunk> {
    let id: i64 = row.get(0)?;
    let chunk = chunks.get(&id);
    chunk.ok_or_else(|| wrong(0, format!("there is no chunk {id}")))
}

/// The steps of a chunk that are in the range.
fn steps_of(row: &Row<'_>, chunk: &Chunk, range: &Range) -> rusqlite::Result<Vec<(u32, Counts)>> {
    let broken = || wrong(5, format!("the series of chunk {} is broken", chunk.first));
    let length = chunk.last.checked_sub(chunk.first).ok_or_else(broken)? as usize + 1;
    let blob = row.get_ref(5)?.as_blob().map_err(|_| broken())?;
    let series = series::decode(blob, length).ok_or_else(broken)?;
    let sum = series.iter().copied().fold(Counts::default(), Counts::plus);
    if sum != counts(row, 2)? {
        return Err(broken());
    }
    let steps = (chunk.first..=chunk.last).zip(series);
    Ok(steps
        .filter(|(step, counts)| range.contains(*step) && !counts.is_nothing())
        .collect())
}

fn counts(row: &Row<'_>, column: usize) -> rusqlite::Result<Counts> {
    Ok(Counts {
        bytes: row.get(column)?,
        calls: row.get(column + 1)?,
        first_pieces: row.get(column + 2)?,
    })
}

impl Counters {
    /// Reads what is counted, without how much.
    pub(super) fn read(file: &Connection, wanted: &Wanted) -> rusqlite::Result<Self> {
        let mut query = file.prepare(
            "SELECT id, process, kind, call, source, sink, class, sharing, errno, bucket, first_ns
             FROM counter",
        )?;
        let mut rows = query.query([])?;
        let mut counters = BTreeMap::new();
        while let Some(row) = rows.next()? {
            if let Some(process) = wanted.process(row, 1)? {
                let counter = Counter {
                    key: CounterKey {
                        process,
                        kind: kind(row)?,
                        call: named(row, 3, Call::ALL, Call::name)?,
                        source: named(row, 4, EndpointKind::ALL, EndpointKind::name)?,
                        sink: named(row, 5, EndpointKind::ALL, EndpointKind::name)?,
                    },
                    first_ns: unsigned(row, 10)?,
                    sum: Counts::default(),
                };
                counters.insert(row.get(0)?, counter);
            }
        }
        Ok(Self(counters))
    }

    /// What is counted, by row.
    pub(super) fn keys(&self) -> impl Iterator<Item = (i64, CounterKey)> {
        self.0.iter().map(|(row, counter)| (*row, counter.key))
    }

    /// Adds them to a snapshot. Nothing began before its window.
    pub(super) fn put_into(self, snapshot: &mut Snapshot) {
        let start_ns = snapshot.window.start_ns;
        for counter in self.0.into_values() {
            let Counter { key, first_ns, sum } = counter;
            if sum.is_nothing() {
                continue;
            }
            // A part of a recording can have less than nothing: bytes of a flow that were found to be
            // another's are taken from it when that becomes known.
            let amount = |number: i64| number.max(0).cast_unsigned();
            let CounterKey {
                process,
                kind,
                call,
                source,
                sink,
            } = key;
            let first_ns = if first_ns == 0 {
                0
            } else {
                first_ns.max(start_ns)
            };
            match kind {
                Kind::Flow(class, sharing) => snapshot.flows.push(FlowCount {
                    process,
                    call,
                    source,
                    sink,
                    class,
                    sharing,
                    bytes: amount(sum.bytes),
                    calls: amount(sum.calls),
                    first_pieces: amount(sum.first_pieces),
                    first_ns,
                }),
                Kind::Error(errno) => snapshot.errors.push(ErrorCount {
                    process,
                    call,
                    source,
                    sink,
                    errno,
                    count: amount(sum.calls),
                    first_ns,
                }),
                Kind::Transfer(class, sharing, bucket) => {
                    snapshot.transfers.push(TransferCount {
                        process,
                        call,
                        source,
                        sink,
                        class,
                        sharing,
                        bucket,
                        count: amount(sum.calls),
                        bytes: amount(sum.bytes),
                    });
                }
            }
        }
    }
}

fn kind(row: &Row<'_>) -> rusqlite::Result<Kind> {
    let class = optional(row, 6, Class::ALL, Class::name)?;
    let sharing = optional(row, 7, Sharing::ALL, Sharing::name)?;
    let kind: String = row.get(2)?;
    match (kind.as_str(), class, sharing) {
        ("flow", Some(class), Some(sharing)) => Ok(Kind::Flow(class, sharing)),
        ("transfer", Some(class), Some(sharing)) => {
            let bucket: u8 = row.get(9)?;
            if bucket > 63 {
                return Err(wrong(9, format!("no transfer has 2^{bucket} bytes")));
            }
            Ok(Kind::Transfer(class, sharing, bucket))
        }
        ("error", None, None) => Ok(Kind::Error(row.get(8)?)),
        _ => Err(wrong(2, format!("{kind:?} is no counter"))),
    }
}
