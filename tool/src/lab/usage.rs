//! What a thread has used, besides CPU time.

use std::io;
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::model::{LabModes, LabRun};

/// Of this thread, so far.
pub(super) fn of_this_thread() -> io::Result<Usage> {
    Ok(getrusage(UsageWho::RUSAGE_THREAD)?)
}

/// What `after` has more than `before`, without the times that other clocks tell better.
pub(super) fn difference(before: &Usage, after: &Usage) -> LabRun {
    let micros = |before: TimeVal, after: TimeVal| {
        let micros = (after - before).num_microseconds();
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    };
    let more = |before: i64, after: i64| u64::try_from(after - before).unwrap_or(0);
    LabRun {
        modes: Some(LabModes {
            user: micros(before.user_time(), after.user_time()),
            system: micros(before.system_time(), after.system_time()),
        }),
        context_switches: more(
            before.voluntary_context_switches() + before.involuntary_context_switches(),
            after.voluntary_context_switches() + after.involuntary_context_switches(),
        ),
        page_faults: more(
            before.minor_page_faults() + before.major_page_faults(),
            after.minor_page_faults() + after.major_page_faults(),
        ),
        ..LabRun::default()
    }
}
