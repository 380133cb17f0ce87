//! How long the parts of attaching take.

use std::time::{Duration, Instant};

use anyhow::Result;
use copytax::model::Engine;
use copytax::probe::{Sampling, Session};
use copytax_common::Filter;

use crate::support::statistics::{best, median};

/// The parts, in the order in which they happen; the last but one column is their sum so far.
const PARTS: [&str; 6] = [
    "BTF",
    "maps",
    "verifier",
    "attach",
    "until attached",
    "detach",
];
/// Index of "until attached".
const UNTIL_ATTACHED: usize = 4;

/// Milliseconds of one engine's parts, of each round.
pub(crate) struct Times {
    engine: Engine,
    parts: [Vec<f64>; PARTS.len()],
}

impl Times {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            parts: Default::default(),
        }
    }

    /// Loads, attaches and detaches once.
    pub(crate) fn measure(&mut self) -> Result<()> {
        let begin = Instant::now();
        let mut session = Session::load(
            self.engine,
            &Filter::all(std::process::id()),
            &Sampling::OFF,
        )?;
        let loaded = Instant::now();
        session.attach()?;
        let attached = Instant::now();
        session.detach();
        let detached = Instant::now();
        let load = session.load_times();
        let values = [
            load.types,
            load.maps,
            load.programs,
            attached - loaded,
            attached - begin,
            detached - attached,
        ];
        for (part, value) in self.parts.iter_mut().zip(values) {
            part.push(milliseconds(value));
        }
        Ok(())
    }

    /// From the start of loading until everything is attached.
    pub(crate) fn median_until_attached(&self) -> f64 {
        median(&self.parts[UNTIL_ATTACHED])
    }

    /// A line of the table.
    pub(crate) fn row(&self, name: &str) -> String {
        let mut row = format!("| {name:10} ");
        for (part, name) in self.parts.iter().zip(PARTS) {
            let cell = format!("{:.0} ({:.0})", median(part), best(part));
            row += &format!("| {cell:>width$} ", width = name.len().max(9));
        }
        row + "|\n"
    }
}

/// The first two lines of the table.
pub(crate) fn head() -> String {
    let mut head = format!("| {:10} ", "engine");
    for name in PARTS {
        head += &format!("| {name:>9} ");
    }
    format!("{head}|\n| --- {}|\n", "| ---: ".repeat(PARTS.len()))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
