use std::time::Duration;

use super::*;
use crate::analysis::lab::is_clear;

/// Nanoseconds for a transfer and for a byte.
type Price = (f64, f64);

/// What a machine that does other things adds.
#[derive(Clone, Copy)]
struct Noise {
    /// Standard deviation of a run, as a share.
    spread: f64,
    /// How many runs of 100 take up to four times as long.
    disturbed: u8,
    /// How far both paths go up and down together, as a share.
    drift: f64,
}

const QUIET: Noise = Noise {
    spread: 0.01,
    disturbed: 0,
    drift: 0.0,
};
/// As two cores are that others use, too.
const BUSY: Noise = Noise {
    spread: 0.1,
    disturbed: 10,
    drift: 0.4,
};

const ROUNDS: usize = 101;

/// Runs of both paths that take turns, from 1 KiB to 1 MiB.
fn series(slow: Price, fast: Price, noise: Noise, seed: u64) -> Vec<LabSeries> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut all = Vec::new();
    for size in (10..=20).map(|power| 1_u64 << power) {
        let paths = [("slow", slow), ("fast", fast)];
        let mut both = paths.map(|(path, _)| LabSeries {
            path,
            size,
            transfers: 1000,
            ..LabSeries::default()
        });
        for round in 0..ROUNDS {
            let phase = precise(round as u64) / 9.0;
            let drift = 1.0 + noise.drift * phase.sin();
            for (series, (_, (transfer, byte))) in both.iter_mut().zip(paths) {
                let nanoseconds = 1000.0 * (transfer + byte * precise(size)) * drift;
                let cpu = nanoseconds * disturbance(noise, &mut random);
                series.runs.push(LabRun {
                    cpu: Duration::from_nanos(whole(cpu)),
                    ..LabRun::default()
                });
            }
        }
        all.extend(both);
    }
    all
}

/// The sum of twelve even values is nearly normal.
fn disturbance(noise: Noise, random: &mut fastrand::Rng) -> f64 {
    let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
    let disturbed = if random.u8(..100) < noise.disturbed {
        1.0 + 3.0 * random.f64()
    } else {
        1.0
    };
    (noise.spread * normal).exp() * disturbed
}

fn found(slow: Price, fast: Price, noise: Noise, seed: u64) -> BreakEven {
    let series = series(slow, fast, noise, seed);
    break_even(&series, "fast", "slow").expect("there are sizes")
}

#[test]
fn it_is_where_the_costs_are_equal() {
    // 10,000 + 3 n = 40,000 + n at n = 15,000.
    let found = found((10_000.0, 3.0), (40_000.0, 1.0), QUIET, 1);
    let bytes = found.bytes.expect("it pays");
    assert!((14_000..16_000).contains(&bytes), "{found:?}");
    assert!(
        found.low <= found.bytes && found.bytes <= found.high,
        "{found:?}"
    );
    assert_eq!((found.smallest, found.largest), (1 << 10, 1 << 20));
    assert!(is_clear(&found));
}

#[test]
fn a_busy_machine_gives_the_same_within_a_factor_of_2() {
    // Costs as they were measured: equal at 12,000 bytes, and never more than a fifth apart.
    let (slow, fast) = ((1_800.0, 0.15), (2_160.0, 0.12));
    for seed in 0..20 {
        let found = found(slow, fast, BUSY, seed);
        let bytes = found.bytes.expect("it pays");
        assert!((8_486..16_970).contains(&bytes), "{seed}: {found:?}");
    }
}

#[test]
fn intervals_cover_the_truth() {
    let (slow, fast) = ((1_800.0, 0.15), (2_160.0, 0.12));
    let covers = |found: BreakEven| {
        found.low.is_none_or(|low| low <= 12_000) && found.high.is_none_or(|high| high >= 12_000)
    };
    let covering = (100..160).filter(|seed| covers(found(slow, fast, BUSY, *seed)));
    let covering = covering.count();
    assert!(covering >= 55, "{covering} of 60");
}

#[test]
fn equal_costs_have_no_clear_break_even() {
    let clear = (0..20).filter(|seed| {
        let same = (2_000.0, 0.15);
        let found = found(same, same, BUSY, *seed);
        is_clear(&found) && found.bytes.is_some()
    });
    // As often as the interval may miss.
    assert!(clear.count() <= 1);
}

#[test]
fn always_and_never_are_told() {
    let always = found((10_000.0, 3.0), (9_000.0, 2.0), QUIET, 1);
    assert_eq!(always.bytes, Some(1 << 10));
    assert!(is_clear(&always));
    let never = found((10_000.0, 3.0), (11_000.0, 4.0), QUIET, 1);
    assert_eq!((never.bytes, never.low, never.high), (None, None, None));
    assert!(is_clear(&never));
    assert_eq!(break_even(&[], "fast", "slow"), None);
}
