//! How counts came over time.

use std::collections::BTreeMap;
use std::time::Duration;

use copytax_common::{Call, Class, EndpointKind};

use crate::model::ProcessId;

/// Counts of a window, in cells of time that follow each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// How long each cell is.
    pub cells: Vec<Duration>,
    /// What was counted.
    pub counters: Vec<CellCounts>,
    /// Time on CPUs of each process that a tick met, in nanoseconds, cell by cell; `None` where CPUs were
    /// not sampled.
    pub cpu: Option<BTreeMap<ProcessId, Vec<f64>>>,
}

/// What one counter had in each cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CellCounts {
    /// Whose.
    pub process: ProcessId,
    /// By which call.
    pub call: Call,
    /// Where bytes came from.
    pub source: EndpointKind,
    /// Where they went.
    pub sink: EndpointKind,
    /// What happened to them; `None` of calls that failed.
    pub class: Option<Class>,
    /// Bytes. Less than 0 where they were found to be another counter's.
    pub bytes: Vec<f64>,
    /// Exits of calls.
    pub calls: Vec<f64>,
}
