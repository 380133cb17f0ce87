//! From which size of transfers on a path costs less than another one.

use std::collections::BTreeMap;

use crate::model::{BreakEven, LabRun, LabSeries};

/// Times that runs are drawn.
const DRAWS: usize = 400;

/// The same for the same runs, always.
const SEED: u64 = 0x0063_6f70_7974_6178;

/// At each end of the interval.
const MISSES: f64 = 0.025;

/// One size: CPU times of runs of both paths that took turns, as ratios.
struct Point {
    size: f64,
    ratios: Vec<f64>,
}

/// From where on `path` takes less CPU time than `against`, of all sizes over one transport; `None` where
/// fewer than two sizes were measured.
///
/// Of each size the median ratio of runs that took turns is taken; where the curve of those, on
/// logarithmic scales, last goes below 1 is the break-even. The interval is that of as many runs drawn
/// from the runs (bootstrap), 95%.
#[must_use]
pub fn break_even(series: &[LabSeries], path: &str, against: &str) -> Option<BreakEven> {
    let points = points(series, path, against);
    let (first, last) = (points.first()?.size, points.last()?.size);
    let rounds = points.iter().map(|point| point.ratios.len()).min()?;
    if points.len() < 2 || rounds == 0 {
        return None;
    }
    let all: Vec<usize> = (0..rounds).collect();
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let chosen: Vec<usize> = all.iter().map(|_| random.usize(..rounds)).collect();
            crossing(&points, &chosen)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let (low, high) = (drawn[rank(MISSES)], drawn[rank(1.0 - MISSES)]);
    let bytes = |size: f64| (size <= last).then(|| whole(size.max(first)));
    Some(BreakEven {
        bytes: bytes(crossing(&points, &all)),
        low: bytes(low),
        high: bytes(high),
        smallest: whole(first),
        largest: whole(last),
    })
}

fn points(series: &[LabSeries], path: &str, against: &str) -> Vec<Point> {
    let of = |name: &str| -> BTreeMap<u64, &LabSeries> {
        let wanted = series.iter().filter(|series| series.path == name);
        wanted.map(|series| (series.size, series)).collect()
    };
    let (path, against) = (of(path), of(against));
    let both = path
        .iter()
        .filter_map(|(size, a)| Some((*size, *a, *against.get(size)?)));
    both.map(|(size, a, b)| Point {
        size: precise(size),
        ratios: a.runs.iter().zip(&b.runs).filter_map(ratio).collect(),
    })
    .collect()
}

fn ratio((path, against): (&LabRun, &LabRun)) -> Option<f64> {
    let seconds = |run: &LabRun| run.cpu.as_secs_f64();
    let ratio = seconds(path) / seconds(against);
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// Where the curve of the medians of the `chosen` runs goes below 1 for good: the first size where it is
/// always below, infinity where it is not at the end.
fn crossing(points: &[Point], chosen: &[usize]) -> f64 {
    let medians: Vec<(f64, f64)> = points
        .iter()
        .map(|point| (point.size.ln(), median(point, chosen).ln()))
        .collect();
    let mut after: Option<(f64, f64)> = None;
    for &(size, ratio) in medians.iter().rev() {
        if ratio >= 0.0 {
            return match after {
                None => f64::INFINITY,
                Some((next, below)) => (size + (next - size) * ratio / (ratio - below)).exp(),
            };
        }
        after = Some((size, ratio));
    }
    points.first().map_or(f64::INFINITY, |point| point.size)
}

fn median(point: &Point, chosen: &[usize]) -> f64 {
    let mut ratios: Vec<f64> = chosen.iter().map(|&run| point.ratios[run]).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number"
)]
fn rank(share: f64) -> usize {
    ((DRAWS as f64 * share) as usize).min(DRAWS - 1)
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
fn precise(size: u64) -> f64 {
    size as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size that was measured"
)]
fn whole(size: f64) -> u64 {
    size.round() as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Runs that take so many nanoseconds a transfer and a byte, with a little noise.
    fn series(path: &'static str, transfer: u64, byte: u64) -> Vec<LabSeries> {
        let sizes = (10..=20).map(|power| 1_u64 << power);
        sizes
            .map(|size| LabSeries {
                path,
                size,
                transfers: 1,
                runs: (0..9)
                    .map(|run| LabRun {
                        cpu: Duration::from_nanos(1000 * (transfer + byte * size) + run * 7),
                        ..LabRun::default()
                    })
                    .collect(),
                ..LabSeries::default()
            })
            .collect()
    }

    fn found(slow: (u64, u64), fast: (u64, u64)) -> Option<BreakEven> {
        let mut all = series("slow", slow.0, slow.1);
        all.extend(series("fast", fast.0, fast.1));
        break_even(&all, "fast", "slow")
    }

    #[test]
    fn it_is_where_the_costs_are_equal() {
        // 10,000 + 3 n = 40,000 + n at n = 15,000.
        let found = found((10_000, 3), (40_000, 1)).expect("there are sizes");
        let bytes = found.bytes.expect("it pays");
        assert!((14_000..16_000).contains(&bytes), "{found:?}");
        assert!(
            found.low <= found.bytes && found.bytes <= found.high,
            "{found:?}"
        );
        assert_eq!((found.smallest, found.largest), (1 << 10, 1 << 20));
    }

    #[test]
    fn always_and_never_are_told() {
        let always = found((10_000, 3), (9_000, 2)).expect("there are sizes");
        assert_eq!(always.bytes, Some(1 << 10));
        let never = found((10_000, 3), (10_001, 4)).expect("there are sizes");
        assert_eq!((never.bytes, never.high), (None, None));
        assert_eq!(break_even(&[], "fast", "slow"), None);
    }
}
