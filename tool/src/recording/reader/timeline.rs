//! How counts came over time.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;

use crate::model::{CellCounts, ProcessId, Timeline};
use crate::recording::counts::Kind;
use crate::recording::reader::counters::{Chunk, Counters, chunks, visit_steps};
use crate::recording::reader::profile::{cpu_processes, visit_ticks};
use crate::recording::reader::steps::{Range, Steps};
use crate::recording::reader::{Wanted, wrong};

/// Cells of as many steps each as it takes.
struct Cells {
    first: u32,
    last: u32,
    steps_per_cell: u32,
}

impl Cells {
    fn new(range: &Range, most: usize) -> Self {
        let steps = range.last - range.first + 1;
        let most = u32::try_from(most.max(1)).unwrap_or(u32::MAX);
        Self {
            first: range.first,
            last: range.last,
            steps_per_cell: steps.div_ceil(most),
        }
    }

    /// The cell of a step that is in the range.
    fn of(&self, step: u32) -> usize {
        ((step - self.first) / self.steps_per_cell) as usize
    }

    fn count(&self) -> usize {
        self.of(self.last) + 1
    }
}

/// Reads it, in at most so many cells.
pub(super) fn read(
    file: &Connection,
    steps: &Steps,
    range: &Range,
    wanted: &Wanted,
    most: usize,
) -> rusqlite::Result<Timeline> {
    let cells = Cells::new(range, most);
    let mut lengths = vec![Duration::ZERO; cells.count()];
    for (step, length) in (range.first..).zip(steps.lengths(range)) {
        lengths[cells.of(step)] += length;
    }
    let has_ticks = !steps.sums_at(range).tick().is_zero();
    Ok(Timeline {
        cells: lengths,
        counters: counters(file, range, wanted, &cells)?,
        cpu: has_ticks
            .then(|| cpu(file, range, wanted, &cells))
            .transpose()?,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "for statistics; 53 bits of it are plenty"
)]
fn counters(
    file: &Connection,
    range: &Range,
    wanted: &Wanted,
    cells: &Cells,
) -> rusqlite::Result<Vec<CellCounts>> {
    let mut counters: BTreeMap<i64, (bool, CellCounts)> = BTreeMap::new();
    for (row, key) in Counters::read(file, wanted)?.keys() {
        let class = match key.kind {
            Kind::Flow(class, _) => Some(class),
            Kind::Error(_) => None,
            // Their bytes are those of flows.
            Kind::Transfer(..) => continue,
        };
        let counts = CellCounts {
            process: key.process,
            call: key.call,
            source: key.source,
            sink: key.sink,
            class,
            bytes: vec![0.0; cells.count()],
            calls: vec![0.0; cells.count()],
        };
        counters.insert(row, (class.is_some(), counts));
    }
    let rows: std::collections::BTreeSet<i64> = counters.keys().copied().collect();
    visit_steps(
        file,
        range,
        |row| rows.contains(&row),
        |row, step, counts| {
            if let Some((is_flow, counter)) = counters.get_mut(&row) {
                let cell = cells.of(step);
                let calls = if *is_flow {
                    counts.first_pieces
                } else {
                    counts.calls
                };
                counter.bytes[cell] += counts.bytes as f64;
                counter.calls[cell] += calls as f64;
            }
        },
    )?;
    Ok(counters.into_values().map(|(_, counts)| counts).collect())
}

/// Time of steps that were put together is spread over them.
fn cpu(
    file: &Connection,
    range: &Range,
    wanted: &Wanted,
    cells: &Cells,
) -> rusqlite::Result<BTreeMap<ProcessId, Vec<f64>>> {
    let chunks = chunks(file)?;
    let chunks: BTreeMap<u32, &Chunk> = chunks.values().map(|chunk| (chunk.last, chunk)).collect();
    let sites = cpu_processes(file, wanted)?;
    let mut before: BTreeMap<i64, Duration> = BTreeMap::new();
    let mut times: BTreeMap<ProcessId, Vec<f64>> = BTreeMap::new();
    let mut missing = None;
    visit_ticks(file, range, |step, site, ticks| {
        let last = before.insert(site, ticks.time).unwrap_or_default();
        let time = ticks.time.saturating_sub(last).as_secs_f64() * 1e9;
        let Some(process) = sites.get(&site) else {
            missing = Some(site);
            return;
        };
        let Some(process) = process else {
            return;
        };
        // A row of a chunk stands for all of its steps, wherever in it the last change was.
        let chunk = chunks.range(step..).next().map(|(_, chunk)| *chunk);
        let (first, last) = match chunk.filter(|chunk| chunk.first <= step) {
            Some(chunk) => (chunk.first, chunk.last),
            None => (step, step),
        };
        let share = time / f64::from(last - first + 1);
        let of_process = times
            .entry(*process)
            .or_insert_with(|| vec![0.0; cells.count()]);
        for step in first.max(range.first)..=last.min(range.last) {
            of_process[cells.of(step)] += share;
        }
    })?;
    match missing {
        None => Ok(times),
        Some(site) => Err(wrong(1, format!("CPU site {site} is missing"))),
    }
}
