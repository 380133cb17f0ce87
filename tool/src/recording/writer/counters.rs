//! What came in each step, and chunks of it.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};

use crate::model::Snapshot;
use crate::recording::counts::{CounterKey, Counts, Kind, Sum, sums};
use crate::recording::series;
use crate::recording::writer::processes::Processes;

/// Counters that are in the file.
#[derive(Default)]
pub(super) struct Counters {
    known: HashMap<CounterKey, Known>,
    /// The last step that is in a chunk.
    packed: u32,
    /// Counters that something came to since, by their rows.
    recent: BTreeMap<i64, Vec<Counts>>,
}

struct Known {
    row: i64,
    sum: Sum,
    /// The last step whose snapshot had it.
    seen: u32,
}

/// Steps that were put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) first_step: u32,
    pub(super) last_step: u32,
}

impl Counters {
    /// Writes what has come since the step before.
    pub(super) fn write(
        &mut self,
        file: &Connection,
        step: u32,
        snapshot: &Snapshot,
        processes: &mut Processes,
    ) -> rusqlite::Result<()> {
        for (key, sum) in sums(snapshot) {
            let change = match self.known.get_mut(&key) {
                Some(known) => {
                    if known.sum.first_ns != sum.first_ns {
                        file.prepare_cached("UPDATE counter SET first_ns = ?2 WHERE id = ?1")?
                            .execute(params![known.row, sum.first_ns.cast_signed()])?;
                    }
                    let change = sum.counts.minus(known.sum.counts);
                    (known.sum, known.seen) = (sum, step);
                    (known.row, change)
                }
                None => {
                    let process = processes.row(file, key.process)?;
                    let row = insert(file, process, &key, sum.first_ns)?;
                    let seen = step;
                    self.known.insert(key, Known { row, sum, seen });
                    (row, sum.counts)
                }
            };
            self.add(file, step, change)?;
        }
        let gone: Vec<_> = self
            .known
            .values_mut()
            .filter(|known| known.seen != step && !known.sum.counts.is_nothing())
            .map(|known| {
                (
                    known.row,
                    Counts::default().minus(std::mem::take(&mut known.sum.counts)),
                )
            })
            .collect();
        // It counts with another process now.
        gone.into_iter()
            .try_for_each(|change| self.add(file, step, change))
    }

    fn add(
        &mut self,
        file: &Connection,
        step: u32,
        (row, change): (i64, Counts),
    ) -> rusqlite::Result<()> {
        if change.is_nothing() {
            return Ok(());
        }
        let steps = self.recent.entry(row).or_default();
        steps.resize((step - self.packed) as usize - 1, Counts::default());
        steps.push(change);
        file.prepare_cached("INSERT INTO counter_step VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                step,
                row,
                change.bytes,
                change.calls,
                change.first_pieces
            ])
            .map(drop)
    }

    /// Puts the steps since the last chunk together, if they are enough for one.
    pub(super) fn pack(&mut self, file: &Connection, step: u32) -> rusqlite::Result<Option<Chunk>> {
        let count = (step - self.packed) as usize;
        if count < series::STEPS {
            return Ok(None);
        }
        let chunk = Chunk {
            first_step: self.packed + 1,
            last_step: step,
        };
        file.execute(
            "INSERT INTO chunk (first_step, last_step) VALUES (?1, ?2)",
            params![chunk.first_step, chunk.last_step],
        )?;
        let id = file.last_insert_rowid();
        let mut insert =
            file.prepare_cached("INSERT INTO counter_chunk VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for (row, mut steps) in std::mem::take(&mut self.recent) {
            steps.resize(count, Counts::default());
            let sum = steps.iter().copied().fold(Counts::default(), Counts::plus);
            insert.execute(params![
                id,
                row,
                sum.bytes,
                sum.calls,
                sum.first_pieces,
                series::encode(&steps)
            ])?;
        }
        file.execute("DELETE FROM counter_step", [])?;
        self.packed = step;
        Ok(Some(chunk))
    }
}

fn insert(
    file: &Connection,
    process: i64,
    key: &CounterKey,
    first_ns: u64,
) -> rusqlite::Result<i64> {
    let (class, sharing, errno, bucket) = match key.kind {
        Kind::Flow(class, sharing) => (Some(class), Some(sharing), None, None),
        Kind::Error(errno) => (None, None, Some(errno), None),
        Kind::Transfer(class, sharing, bucket) => (Some(class), Some(sharing), None, Some(bucket)),
    };
    file.prepare_cached(
        "INSERT INTO counter (kind, process, call, source, sink, class, sharing, errno, bucket,
             first_ns)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        key.kind.name(),
        process,
        key.call.name(),
        key.source.name(),
        key.sink.name(),
        class.map(|class| class.name()),
        sharing.map(|sharing| sharing.name()),
        errno,
        bucket,
        first_ns.cast_signed(),
    ])?;
    Ok(file.last_insert_rowid())
}
