//! What the runs of the lab come to.

mod break_even;
mod calibration;
mod gain;
mod median;

use crate::model::{LabRun, LabSeries};

pub use break_even::break_even;
pub use calibration::{CALIBRATED, fill_in, measured_break_even};
pub use gain::{Gain, gain};
pub use median::Median;

/// Bytes of a gigabyte, as figures of CPU time and calls go by.
const GB: f64 = 1e9;

/// What one path costs: medians over its runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Gigabytes in a second, until they had arrived.
    pub throughput: Median,
    /// Seconds of CPU time for a gigabyte, of the thread that moves it.
    pub cpu: Median,
    /// The share of it that is in the kernel, by clock ticks of all runs; `None` where none met it.
    pub system_share: Option<f64>,
    /// System calls for a gigabyte, exactly.
    pub calls: f64,
    /// Context switches for a gigabyte.
    pub context_switches: Median,
    /// Page faults for a gigabyte.
    pub page_faults: Median,
}

/// What the path of `series` costs; `None` where nothing was measured.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sums far below 2^53")]
pub fn cost(series: &LabSeries) -> Option<Cost> {
    let gigabytes = series.bytes_of_run() as f64 / GB;
    if gigabytes <= 0.0 {
        return None;
    }
    let of = |value: fn(&LabRun) -> f64| {
        Median::of(series.runs.iter().map(|run| value(run) / gigabytes))
    };
    let rates = series.runs.iter().map(|run| run.wall.as_secs_f64());
    let rates = rates.filter(|seconds| *seconds > 0.0);
    let calls: u64 = series.calls.values().map(|sum| sum.calls).sum();
    let all = gigabytes * series.all_runs as f64;
    Some(Cost {
        throughput: Median::of(rates.map(|seconds| gigabytes / seconds))?,
        cpu: of(|run| run.cpu.as_secs_f64())?,
        system_share: system_share(&series.runs),
        calls: (calls + series.other_calls) as f64 / all,
        context_switches: of(|run| run.context_switches as f64)?,
        page_faults: of(|run| run.page_faults as f64)?,
    })
}

fn system_share(runs: &[LabRun]) -> Option<f64> {
    let system: f64 = runs.iter().map(|run| run.system.as_secs_f64()).sum();
    let user: f64 = runs.iter().map(|run| run.user.as_secs_f64()).sum();
    (system + user > 0.0).then(|| system / (system + user))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Call, CallSum};

    #[test]
    fn costs_are_for_a_gigabyte() {
        let run = LabRun {
            wall: Duration::from_millis(500),
            cpu: Duration::from_millis(100),
            user: Duration::from_millis(20),
            system: Duration::from_millis(80),
            context_switches: 7,
            page_faults: 3,
        };
        let sum = CallSum {
            calls: 10,
            bytes: 1_000_000_000,
        };
        let series = LabSeries {
            size: 50_000_000,
            transfers: 10,
            runs: vec![run],
            all_runs: 2,
            calls: [(Call::Sendfile, sum)].into(),
            other_calls: 2,
            ..LabSeries::default()
        };
        let cost = cost(&series).expect("there is a run");
        assert!((cost.throughput.value - 1.0).abs() < 1e-9);
        assert!((cost.cpu.value - 0.2).abs() < 1e-9);
        let share = cost.system_share.expect("there is CPU time");
        assert!((share - 0.8).abs() < 1e-9);
        assert!((cost.calls - 12.0).abs() < 1e-9);
        assert!((cost.context_switches.value - 14.0).abs() < 1e-9);
        assert_eq!(super::cost(&LabSeries::default()), None);
    }
}
