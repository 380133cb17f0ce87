//! What of a calibration an audit may go by.

use std::collections::BTreeMap;

use crate::model::{BreakEven, Calibration, LabSeries, TransferCost};

use super::{Median, break_even};

/// What most programs do with a file: all that send one are compared with it.
pub(super) const FILE: &str = "read+write-64k";

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

/// Puts break-evens and costs into `calibration`, from `series` of [`CALIBRATED`] over one transport.
pub fn fill_in(calibration: &mut Calibration, series: &[LabSeries]) {
    calibration.sendfile = break_even(series, "sendfile", FILE);
    calibration.splice = break_even(series, "splice", FILE);
    calibration.zerocopy = break_even(series, "zerocopy", MEMORY);
    calibration.send_zc = break_even(series, "uring-send-zc", MEMORY);
    calibration.costs = costs(series);
}

fn costs(series: &[LabSeries]) -> BTreeMap<String, Vec<TransferCost>> {
    let mut costs: BTreeMap<String, Vec<TransferCost>> = BTreeMap::new();
    for series in series {
        let path = costs.entry(series.path.to_owned()).or_default();
        path.extend(cost_of_transfer(series));
    }
    for path in costs.values_mut() {
        path.sort_by_key(|cost| cost.bytes);
    }
    costs
}

/// The lowest and the highest fifth of the runs do not count: not what others take of a processor, but what the
/// path takes on the whole. `None` where nothing was measured.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times of transfers that were measured"
)]
fn cost_of_transfer(series: &LabSeries) -> Option<TransferCost> {
    let runs = series.runs.iter();
    let mut times: Vec<f64> = runs
        .map(|run| run.cpu.as_nanos() as f64 / series.transfers as f64)
        .collect();
    times.sort_by(f64::total_cmp);
    let fifth = times.len() / 5;
    let middle = &times[fifth..times.len() - fifth];
    let mean = middle.iter().sum::<f64>() / middle.len() as f64;
    let interval = Median::of(times.iter().copied())?.interval;
    let whole = |time: f64| time.round() as u64;
    mean.is_finite().then(|| TransferCost {
        bytes: series.size,
        cpu_ns: whole(mean),
        interval_ns: interval.map(|(low, high)| (whole(low), whole(high))),
    })
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

/// From how many bytes on a transfer gains by `sendfile`. Where there is no clear break-even, that is the upper
/// end of its interval, from which on it pays for all that is known; or `usual` where that is less, or the
/// end is not known.
#[must_use]
pub fn measured_break_even(calibration: &Calibration, usual: u64) -> u64 {
    let Some(found) = calibration.sendfile else {
        return usual;
    };
    match found.bytes {
        Some(bytes) if is_clear(&found) => bytes,
        _ => found.high.unwrap_or(usual).min(usual),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::analysis::fixture::calibration;
    use crate::model::LabRun;

    #[test]
    fn a_wide_interval_will_not_do() {
        const USUAL: u64 = 32_000;
        let mut calibration = calibration();
        assert_eq!(measured_break_even(&calibration, USUAL), USUAL);
        let found = BreakEven {
            bytes: Some(9_000),
            low: Some(8_000),
            high: Some(10_000),
            smallest: 1024,
            largest: 1 << 20,
        };
        for (low, high, expected) in [
            (Some(8_000), Some(10_000), 9_000),
            (Some(1_024), Some(10_000), 10_000),
            (Some(8_000), Some(32_001), USUAL),
            (Some(8_000), None, USUAL),
        ] {
            calibration.sendfile = Some(BreakEven { low, high, ..found });
            assert_eq!(measured_break_even(&calibration, USUAL), expected);
        }
        let never = BreakEven {
            bytes: None,
            low: None,
            high: None,
            ..found
        };
        calibration.sendfile = Some(never);
        assert_eq!(measured_break_even(&calibration, USUAL), USUAL);
    }

    #[test]
    fn costs_are_of_a_transfer() {
        let run = |microseconds| LabRun {
            cpu: Duration::from_micros(microseconds),
            ..LabRun::default()
        };
        let of_size = |size, runs| LabSeries {
            path: "sendfile",
            size,
            transfers: 10,
            runs,
            ..LabSeries::default()
        };
        let large = of_size(4096, (100..107).map(run).collect());
        let small = of_size(1024, vec![run(50)]);
        let nothing = of_size(2048, Vec::new());
        let mut calibration = calibration();
        fill_in(&mut calibration, &[large, small, nothing]);
        let cost = |bytes, cpu_ns, interval_ns| TransferCost {
            bytes,
            cpu_ns,
            interval_ns,
        };
        let expected = vec![
            cost(1024, 5_000, None),
            cost(4096, 10_300, Some((10_000, 10_600))),
        ];
        assert_eq!(calibration.costs["sendfile"], expected);
    }
}
