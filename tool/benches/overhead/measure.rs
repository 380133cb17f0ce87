//! Rounds: each attaches every configuration in turn, so that what else the machine does falls on
//! all of them alike.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};

use crate::child::{Measured, Timing};
use crate::support::statistics::{best, median};
use crate::watchers::Configuration;
use crate::workload::Workload;

/// Calls under a slow watcher.
const SLOW_CALLS: u32 = 1_000;
/// A block of 16 KiB takes as long as this many small calls.
const CALLS_PER_BLOCK: u32 = 20;

/// Nanoseconds per call, of each configuration and workload.
pub(crate) struct Figures(Vec<(Configuration, Workload, Timing)>);

impl Figures {
    /// What one cell of the table says, if it was measured.
    pub(crate) fn of(&self, configuration: Configuration, workload: Workload) -> Option<Timing> {
        self.0
            .iter()
            .find(|(row, column, _)| (*row, *column) == (configuration, workload))
            .map(|(_, _, timing)| *timing)
    }

    /// What a configuration adds to a call.
    pub(crate) fn added(&self, configuration: Configuration, workload: Workload) -> Option<f64> {
        let with = self.of(configuration, workload)?.best;
        let without = self.of(Configuration::Nothing, workload)?.best;
        Some(with - without)
    }

    /// What a configuration adds, as a multiple of what another one adds.
    pub(crate) fn ratio(
        &self,
        configuration: Configuration,
        to: Configuration,
        workload: Workload,
    ) -> Option<f64> {
        Some(self.added(configuration, workload)? / self.added(to, workload)?)
    }
}

/// Measures everything.
pub(crate) fn run(rounds: u32, calls: u32) -> Result<Figures> {
    let mut child = Measured::start()?;
    let mut watchers = Vec::new();
    for configuration in Configuration::ALL {
        watchers.push((configuration, configuration.load(child.pid())?));
    }
    let mut timings = Vec::new();
    for round in 1..=rounds {
        for (configuration, watcher) in &mut watchers {
            if configuration.is_slow() && round > 1 {
                continue;
            }
            if io::stderr().is_terminal() {
                eprint!(
                    "\rround {round} of {rounds}: {:60}\r",
                    configuration.title()
                );
            }
            let calls = if configuration.is_slow() {
                SLOW_CALLS
            } else {
                calls
            };
            watcher.attach()?;
            for workload in Workload::ALL {
                let calls = match workload.is_realistic() {
                    true if configuration.is_slow() => continue,
                    true => calls / CALLS_PER_BLOCK,
                    false => calls,
                };
                let timing = child
                    .run(workload, calls)
                    .with_context(|| configuration.title())?;
                timings.push((*configuration, workload, timing));
            }
            watcher.detach(u64::from(calls))?;
        }
    }
    Ok(summary(&timings))
}

/// Over the rounds: the best of the best, the median of the medians.
fn summary(timings: &[(Configuration, Workload, Timing)]) -> Figures {
    let mut figures = Vec::new();
    for configuration in Configuration::ALL {
        for workload in Workload::ALL {
            let of_rounds: Vec<Timing> = timings
                .iter()
                .filter(|(row, column, _)| (*row, *column) == (configuration, workload))
                .map(|(_, _, timing)| *timing)
                .collect();
            if !of_rounds.is_empty() {
                let timing = Timing {
                    best: best(&of_rounds.iter().map(|t| t.best).collect::<Vec<_>>()),
                    median: median(&of_rounds.iter().map(|t| t.median).collect::<Vec<_>>()),
                };
                figures.push((configuration, workload, timing));
            }
        }
    }
    Figures(figures)
}
