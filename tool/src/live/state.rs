//! What is on the screen. It changes by steps and keys alone: no clock, no terminal.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use super::row::remember;
use super::{Column, Detail, Mode, Row, Step, Units};
use crate::analysis::hit_rate;
use crate::model::{ByteClasses, Loss, ProcessFacts, ProcessId};

/// The state of the live view.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Processes that wrote lately.
    pub(super) rows: BTreeMap<ProcessId, Row>,
    /// Length of the last step in seconds.
    pub(super) seconds: f64,
    /// When it ended.
    pub(super) time: Option<SystemTime>,
    /// How long all steps were.
    pub(super) elapsed: Duration,
    pub(super) host: String,
    /// Written by all processes in the last step.
    pub(super) total: ByteClasses,
    pub(super) history: VecDeque<Option<f64>>,
    /// Lost since the beginning.
    pub(super) lost: u64,
    pub(super) mode: Mode,
    pub(super) sort: Column,
    pub(super) reversed: bool,
    pub(super) filter: String,
    pub(super) paused: bool,
    pub(super) tree: bool,
    pub(super) units: Units,
    /// Said once, until the next key.
    pub(super) message: Option<String>,
    pub(super) detail: Option<Detail>,
    /// The first line that is on the screen.
    pub(super) first: usize,
    selected: Option<ProcessId>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line<'a> {
    /// Processes that belong together, and their sums.
    Group(String, Box<Row>),
    /// A process.
    Process(ProcessId, &'a Row),
}

impl State {
    /// Takes a step over, unless it is paused.
    pub fn step(&mut self, step: Step) {
        self.elapsed += step.audit.window.duration;
        if self.paused {
            return;
        }
        self.seconds = step.seconds();
        let Step { audit, moving } = step;
        self.time = Some(audit.window.start + audit.window.duration);
        self.host = audit.host.hostname;
        self.total = audit.bytes;
        self.lost = self.lost.saturating_add(sum_of(&audit.loss));
        remember(&mut self.history, hit_rate(&audit.bytes));
        let seconds = self.seconds;
        let tax = |id: &ProcessId| {
            let moving = moving.as_ref()?;
            Some(moving.get(id).copied().unwrap_or(0.0) / 1e9 / seconds)
        };
        let mut active: BTreeMap<ProcessId, _> = audit
            .processes
            .into_iter()
            .map(|process| (process.id, process))
            .collect();
        for (id, row) in &mut self.rows {
            row.step(active.remove(id), tax(id));
        }
        for (id, process) in active {
            if process.bytes.written() > 0 {
                let mut row = Row::new(ProcessFacts::default());
                row.step(Some(process), tax(&id));
                self.rows.insert(id, row);
            }
        }
        self.rows.retain(|_, row| !row.is_forgotten());
        if self.selected.is_some_and(|id| !self.rows.contains_key(&id)) {
            self.selected = None;
            if self.mode == Mode::Detail {
                self.mode = Mode::Table;
            }
        }
    }

    /// The lines of the table, in their order.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut rows: Vec<(ProcessId, &Row)> = self
            .rows
            .iter()
            .filter(|(id, row)| self.filter.is_empty() || row.matches(id.pid, &self.filter))
            .map(|(id, row)| (*id, row))
            .collect();
        rows.sort_by(|a, b| self.directed(a.1.compare(b.1, self.sort).then(a.0.cmp(&b.0))));
        if !self.tree {
            return rows
                .into_iter()
                .map(|(id, row)| Line::Process(id, row))
                .collect();
        }
        let mut groups: BTreeMap<String, Vec<(ProcessId, &Row)>> = BTreeMap::new();
        for (id, row) in rows {
            groups.entry(row.group()).or_default().push((id, row));
        }
        let mut groups: Vec<_> = groups
            .into_iter()
            .map(|(name, rows)| (name, Row::sum(rows.iter().map(|(_, row)| *row)), rows))
            .collect();
        groups.sort_by(|a, b| self.directed(a.1.compare(&b.1, self.sort).then(a.0.cmp(&b.0))));
        let mut lines = Vec::new();
        for (name, sum, rows) in groups {
            lines.push(Line::Group(name, Box::new(sum)));
            lines.extend(rows.into_iter().map(|(id, row)| Line::Process(id, row)));
        }
        lines
    }

    fn directed(&self, order: Ordering) -> Ordering {
        if self.reversed {
            order.reverse()
        } else {
            order
        }
    }

    /// The process that is looked at.
    #[must_use]
    pub const fn selected(&self) -> Option<ProcessId> {
        self.selected
    }

    /// The process whose detail is on the screen.
    #[must_use]
    pub fn wants_detail(&self) -> Option<ProcessId> {
        self.selected.filter(|_| self.mode == Mode::Detail)
    }

    /// Whether that is still to come.
    #[must_use]
    pub fn lacks_detail(&self) -> bool {
        let known = self.detail.as_ref().map(|detail| detail.process);
        known != self.selected
    }

    /// Takes over what is known of it.
    pub fn set_detail(&mut self, detail: Option<Detail>) {
        self.detail = detail;
    }

    /// Says something once.
    pub fn say(&mut self, message: String) {
        self.message = Some(message);
    }

    /// Goes so many processes down.
    pub(super) fn select_by(&mut self, by: isize) {
        let lines = self.lines();
        let processes: Vec<ProcessId> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Process(id, _) => Some(*id),
                Line::Group(..) => None,
            })
            .collect();
        let Some(last) = processes.len().checked_sub(1) else {
            return;
        };
        let at = self
            .selected
            .and_then(|selected| processes.iter().position(|id| *id == selected));
        let next = match at {
            Some(at) => at.saturating_add_signed(by).min(last),
            None if by > 1 => last.min(by.unsigned_abs() - 1),
            None => 0,
        };
        self.selected = Some(processes[next]);
        self.detail = None;
    }

    /// Selects the process of a line; whether it was selected before.
    pub(super) fn select_at(&mut self, line: usize) -> bool {
        let id = match self.lines().get(line) {
            Some(Line::Process(id, _)) => *id,
            _ => return false,
        };
        let was = self.selected == Some(id);
        if !was {
            self.selected = Some(id);
            self.detail = None;
        }
        was
    }
}

/// Everything that was lost, of whatever kind.
fn sum_of(loss: &Loss) -> u64 {
    let counts = loss.counters().into_iter();
    let counts = counts.filter_map(|(_, count)| count);
    counts.fold(0, u64::saturating_add)
}
