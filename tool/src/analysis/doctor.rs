//! What a machine and its privileges allow: facts to checks. No I/O.

mod checks;
pub mod network;

use crate::host::facts::{Facts, PROBE_RAW, PROBE_TRACEPOINT};
use crate::host::kernel::Version;
use crate::model::Engine;

/// Oldest kernel of the raw engine.
pub const RAW_SINCE: Version = Version::new(5, 12);
/// Oldest kernel of the tracepoint engine: it needs `bpf_task_pt_regs`.
pub const TRACEPOINT_SINCE: Version = Version::new(5, 15);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Works,
    /// An audit runs, with less.
    Degraded,
    /// An audit cannot run, or not with this engine.
    Refused,
    /// Could not be looked at.
    Unknown,
}

impl Status {
    /// Name, as in the JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Degraded => "degraded",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What does not work because of it; empty where everything does.
    pub consequence: String,
    /// What to do about it; empty where there is nothing to do.
    pub remedy: String,
    /// Which engines this keeps from running.
    pub(crate) blocks: Blocks,
}

/// Engines that a refusal keeps from running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    pub(crate) raw: bool,
    pub(crate) tracepoint: bool,
}

impl Blocks {
    /// Both engines.
    pub(crate) const ALL: Self = Self {
        raw: true,
        tracepoint: true,
    };
    /// The tracepoint engine.
    pub(crate) const TRACEPOINT: Self = Self {
        raw: false,
        tracepoint: true,
    };

    fn engine(self, engine: Engine) -> bool {
        match engine {
            Engine::Raw => self.raw,
            Engine::Tracepoint => self.tracepoint,
        }
    }
}

/// All checks of one machine, and what follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The checks.
    pub checks: Vec<Check>,
    /// Engines that run here, best first; an audit runs where there is one.
    pub engines: Vec<Engine>,
    /// Whether engines were really loaded, so that `engines` is known and not only expected.
    pub proven: bool,
    /// One sentence of it.
    pub summary: String,
}

/// Draws the conclusions from `facts`.
#[must_use]
pub fn examine(facts: &Facts) -> Diagnosis {
    let checks = checks::all(facts);
    let engines: Vec<Engine> = [Engine::Raw, Engine::Tracepoint]
        .into_iter()
        .filter(|&engine| match probe(facts, engine) {
            Some(result) => result.is_ok(),
            None => blockers(&checks, engine).next().is_none(),
        })
        .collect();
    let proven = engines.iter().all(|&engine| probe(facts, engine).is_some())
        && facts
            .probes
            .iter()
            .any(|probe| [PROBE_RAW, PROBE_TRACEPOINT].contains(&probe.name));
    let summary = summary(&checks, &engines, proven);
    Diagnosis {
        checks,
        engines,
        proven,
        summary,
    }
}

/// Name of an engine, as `--engine` takes it.
#[must_use]
pub fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Raw => "raw",
        Engine::Tracepoint => "tracepoint",
    }
}

/// What came of really loading `engine`.
pub(crate) fn probe(facts: &Facts, engine: Engine) -> Option<&Result<(), String>> {
    let name = match engine {
        Engine::Raw => PROBE_RAW,
        Engine::Tracepoint => PROBE_TRACEPOINT,
    };
    facts
        .probes
        .iter()
        .find(|probe| probe.name == name)
        .map(|probe| &probe.result)
}

/// Names of the checks that keep `engine` from running.
fn blockers(checks: &[Check], engine: Engine) -> impl Iterator<Item = &'static str> {
    checks
        .iter()
        .filter(move |check| check.status != Status::Works && check.blocks.engine(engine))
        .map(|check| check.name)
}

fn summary(checks: &[Check], engines: &[Engine], proven: bool) -> String {
    let verb = if proven {
        "works here"
    } else {
        "should work here"
    };
    match engines {
        [Engine::Raw, Engine::Tracepoint, ..] => {
            format!("audit {verb} with engine raw, and with engine tracepoint.")
        }
        [Engine::Raw, ..] => format!(
            "audit {verb} with engine raw; engine tracepoint does not: see {}.",
            listed(blockers(checks, Engine::Tracepoint))
        ),
        [Engine::Tracepoint, ..] => format!(
            "audit {verb} with engine tracepoint; engine raw does not: see {}.",
            listed(blockers(checks, Engine::Raw))
        ),
        [] => format!(
            "audit cannot run here: see {}.",
            listed(blockers(checks, Engine::Raw))
        ),
    }
}

fn listed(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.collect();
    match names.split_last() {
        None => "above".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests;
