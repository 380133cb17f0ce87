//! What of a calibration an audit may go by.

use crate::model::{BreakEven, Calibration, Host, LabSeries};

use super::break_even;

/// What most programs do with a file: all that send one are compared with it.
const FILE: &str = "read+write-64k";

/// What most programs do with memory: all that lend some are compared with it.
const MEMORY: &str = "write";

/// The paths whose break-evens are kept, and those that they are compared with.
pub const CALIBRATED: [&str; 6] = [
    FILE,
    "sendfile",
    "splice",
    MEMORY,
    "zerocopy",
    "uring-send-zc",
];

/// Puts the break-evens of `calibration` in, from `series` of [`CALIBRATED`] over one transport.
pub fn fill_in(calibration: &mut Calibration, series: &[LabSeries]) {
    calibration.sendfile = break_even(series, "sendfile", FILE);
    calibration.splice = break_even(series, "splice", FILE);
    calibration.zerocopy = break_even(series, "zerocopy", MEMORY);
    calibration.send_zc = break_even(series, "uring-send-zc", MEMORY);
}

/// An interval that is wider, as a ratio of its ends, says too little.
const WIDEST: u64 = 4;

/// Whether it is known: neither end of its interval is beyond what was measured, or both are, and one is
/// no more than four times the other.
#[must_use]
pub fn is_clear(found: &BreakEven) -> bool {
    match (found.low, found.high) {
        (Some(low), Some(high)) => high <= low.saturating_mul(WIDEST),
        (None, None) => true,
        _ => false,
    }
}

/// From how many bytes on a transfer gains by `sendfile` on `host`; `None` where `calibration` is of
/// another machine or kernel, or has no clear one.
#[must_use]
pub fn measured_break_even(calibration: &Calibration, host: &Host) -> Option<u64> {
    let found = calibration.sendfile.filter(|_| calibration.host == *host)?;
    found.bytes.filter(|_| is_clear(&found))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_the_same_machine_and_kernel_will_do() {
        let host = Host {
            kernel: "6.18.0".to_owned(),
            arch: "x86_64".to_owned(),
            cpus: 2,
            hostname: "h".to_owned(),
        };
        let mut calibration = Calibration {
            host: host.clone(),
            processor: None,
            time: SystemTime::UNIX_EPOCH,
            sendfile: None,
            splice: None,
            zerocopy: None,
            send_zc: None,
        };
        assert_eq!(measured_break_even(&calibration, &host), None);
        let found = BreakEven {
            bytes: Some(9_000),
            low: Some(8_000),
            high: Some(10_000),
            smallest: 1024,
            largest: 1 << 20,
        };
        calibration.sendfile = Some(found);
        assert_eq!(measured_break_even(&calibration, &host), Some(9_000));
        let kernel = "6.19.0".to_owned();
        let other = Host {
            kernel,
            ..host.clone()
        };
        assert_eq!(measured_break_even(&calibration, &other), None);
        for high in [None, Some(32_001)] {
            calibration.sendfile = Some(BreakEven { high, ..found });
            assert_eq!(measured_break_even(&calibration, &host), None);
        }
    }
}
