//! Trying what an audit needs, for `doctor`.

use copytax_common::{Filter, FilterMode};

use crate::host::facts::{PROBE_RAW, PROBE_TRACEPOINT, ProbeResult};
use crate::model::Engine;
use crate::probe::{ProbeError, Session};

/// Loads and attaches each engine for a moment, with no process as target.
#[must_use]
pub fn trials() -> Vec<ProbeResult> {
    [
        (PROBE_RAW, Engine::Raw),
        (PROBE_TRACEPOINT, Engine::Tracepoint),
    ]
    .map(|(name, engine)| ProbeResult {
        name,
        result: attempt(engine).map_err(|error| error.to_string()),
    })
    .into()
}

fn attempt(engine: Engine) -> Result<(), ProbeError> {
    let nobody = Filter {
        mode: FilterMode::Pids as u32,
        ..Filter::all(std::process::id())
    };
    Session::load(engine, &nobody)?.attach()
}
