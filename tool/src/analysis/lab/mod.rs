//! What the runs of the lab come to.

mod break_even;
mod calibration;
mod gain;
mod isotonic;
mod median;

use std::time::Duration;

use crate::model::{LabModes, LabRun, LabSeries};

pub use break_even::break_even;
pub use calibration::{CALIBRATED, fill_in, is_clear, measured_break_even};
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
    /// Cycles of the processor for a byte; `None` where they were not counted in each run.
    pub cycles_per_byte: Option<Median>,
    /// How long half of the transfers took at most, and 99 of 100.
    pub latency: Option<(Duration, Duration)>,
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
        cycles_per_byte: cycles_per_byte(series),
        latency: latency(&series.latencies),
    })
}

#[expect(clippy::cast_precision_loss, reason = "for a ratio")]
fn cycles_per_byte(series: &LabSeries) -> Option<Median> {
    let bytes = series.bytes_of_run() as f64;
    let cycles: Option<Vec<u64>> = series.runs.iter().map(|run| run.cycles).collect();
    Median::of(cycles?.into_iter().map(|cycles| cycles as f64 / bytes))
}

/// Of all runs: by nearest rank.
fn latency(all: &[Duration]) -> Option<(Duration, Duration)> {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let of = |percent: usize| {
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.checked_sub(1)?).copied()
    };
    Some((of(50)?, of(99)?))
}

fn system_share(runs: &[LabRun]) -> Option<f64> {
    let modes: Option<Vec<LabModes>> = runs.iter().map(|run| run.modes).collect();
    let modes = modes?;
    let system: f64 = modes.iter().map(|of| of.system.as_secs_f64()).sum();
    let user: f64 = modes.iter().map(|of| of.user.as_secs_f64()).sum();
    (system + user > 0.0).then(|| system / (system + user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Call, CallSum};

    #[test]
    fn costs_are_for_a_gigabyte() {
        let run = LabRun {
            wall: Duration::from_millis(500),
            cpu: Duration::from_millis(100),
            modes: Some(LabModes {
                user: Duration::from_millis(20),
                system: Duration::from_millis(80),
            }),
            context_switches: 7,
            page_faults: 3,
            cycles: Some(250_000_000),
        };
        let sum = CallSum {
            calls: 10,
            bytes: 1_000_000_000,
        };
        let series = LabSeries {
            size: 50_000_000,
            transfers: 5,
            connections: 2,
            latencies: (1..=200).map(Duration::from_millis).collect(),
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
        let cycles = cost.cycles_per_byte.expect("they were counted");
        assert!((cycles.value - 0.5).abs() < 1e-9);
        let latency = (Duration::from_millis(100), Duration::from_millis(198));
        assert_eq!(cost.latency, Some(latency));
        assert_eq!(super::cost(&LabSeries::default()), None);
    }
}
