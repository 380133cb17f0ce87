//! Trying what an audit needs, for `doctor`.

use copytax_common::{Filter, FilterMode};

use crate::host::facts::{PROBE_RAW, PROBE_TRACEPOINT, PROBE_URING, ProbeResult};
use crate::model::Engine;
use crate::probe::{ProbeError, Sampling, Session};

/// Loads and attaches each engine for a moment, with no process as target; and tells whether io_uring is
/// accounted with the first of them that works.
#[must_use]
pub fn trials() -> Vec<ProbeResult> {
    let engines = [
        (PROBE_RAW, Engine::Raw),
        (PROBE_TRACEPOINT, Engine::Tracepoint),
    ];
    let mut uring = None;
    let mut results: Vec<_> = engines
        .into_iter()
        .map(|(name, engine)| ProbeResult {
            name,
            result: attempt(engine)
                .map(|with_uring| {
                    uring.get_or_insert(with_uring);
                })
                .map_err(|error| error.to_string()),
        })
        .collect();
    results.extend(uring.map(|result| ProbeResult {
        name: PROBE_URING,
        result,
    }));
    results
}

/// Whether the engine can be used, and io_uring be accounted with it.
fn attempt(engine: Engine) -> Result<Result<(), String>, ProbeError> {
    let nobody = Filter {
        mode: FilterMode::Pids as u32,
        ..Filter::all(std::process::id())
    };
    let mut session = Session::load(engine, &nobody, &Sampling::OFF)?;
    session.attach()?;
    Ok(session
        .without_uring()
        .map_or(Ok(()), |reason| Err(reason.to_owned())))
}
