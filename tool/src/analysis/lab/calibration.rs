//! What of a calibration an audit may go by.

use crate::model::{Calibration, Host, LabSeries};

use super::break_even;

/// The path that all others are compared with: what most programs do.
const USUAL: &str = "read+write-64k";

/// The paths whose break-evens are kept.
pub const CALIBRATED: [&str; 3] = [USUAL, "sendfile", "splice"];

/// Puts the break-evens of `calibration` in, from `series` of [`CALIBRATED`] over one transport.
pub fn fill_in(calibration: &mut Calibration, series: &[LabSeries]) {
    calibration.sendfile = break_even(series, "sendfile", USUAL);
    calibration.splice = break_even(series, "splice", USUAL);
}

/// An interval that is wider, as a ratio of its ends, says too little.
const WIDEST: u64 = 4;

/// From how many bytes on a transfer gains by `sendfile` on `host`; `None` where `calibration` is of
/// another machine or kernel, or does not know it well: without an end of the interval, or with one that
/// is more than four times the other.
#[must_use]
pub fn measured_break_even(calibration: &Calibration, host: &Host) -> Option<u64> {
    let found = calibration.sendfile.filter(|_| calibration.host == *host)?;
    let is_known = found.high? <= found.low?.saturating_mul(WIDEST);
    found.bytes.filter(|_| is_known)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::model::BreakEven;

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
