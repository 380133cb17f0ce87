//! What copytax itself takes.

use std::fs;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

use crate::model::OwnCost;

/// What this process has taken so far.
#[must_use]
pub fn cost() -> OwnCost {
    // Fails for who is not known only, or for memory that is not there.
    let cpu = getrusage(UsageWho::RUSAGE_SELF).ok();
    OwnCost {
        cpu: cpu.map(|usage| duration(usage.user_time()) + duration(usage.system_time())),
        resident_bytes: resident_pages().map(|pages| pages * rustix::param::page_size() as u64),
    }
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}

/// The second number of `/proc/self/statm` (`proc_pid_statm(5)`).
fn resident_pages() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_takes_memory() {
        let cost = cost();
        assert!(cost.resident_bytes > Some(1 << 20), "{cost:?}");
        assert!(cost.cpu.is_some(), "{cost:?}");
    }
}
