//! Estimates from samples against what the workload moved.

use anyhow::{Result, ensure};
use copytax::model::{Engine, RawSample, SampleKind};
use copytax::probe::Sampling;
use copytax_common::SamplingConfig;

use crate::case::{Watched, every, watch};
use crate::moves::{BOUNCED, OTHER, ZERO_COPY};

/// Standard deviations that an estimate may be off: of 10,000 that are right, one is not let through.
const TOLERANCE: f64 = 4.0;

/// The longest run that a byte is chosen of.
const LONGEST_RUN: f64 = 65_536.0;

/// Bytes that one sample stands for.
fn estimate(sample: &RawSample) -> f64 {
    let bytes = sample.bytes as f64;
    let chosen = -(-bytes / sample.interval as f64).exp_m1();
    bytes / chosen * f64::from(sample.stands_for)
}

/// Compares the estimates of a kind of samples with the bytes that were moved.
fn check(watched: &Watched, kind: SampleKind, key: &str) -> Result<()> {
    let truth = watched.moved.get(key).copied().unwrap_or(0) as f64;
    let samples = watched.samples.iter().filter(|sample| sample.kind == kind);
    let (mut sum, mut widest, mut count) = (0.0, 0f64, 0);
    for sample in samples {
        sum += estimate(sample);
        widest = widest.max(sample.interval as f64);
        count += 1;
    }
    // What n bytes are estimated as has a variance of n * interval at most, and, where the chosen byte
    // may be in a part that is not written, n times the whole run more.
    let deviation = (truth * (widest + LONGEST_RUN)).sqrt().max(1.0);
    let error = (sum - truth) / deviation;
    // Numbers of few samples are skewed (Cornish and Fisher, of a Poisson distribution).
    let skew = (TOLERANCE * TOLERANCE - 1.0) / 6.0 * (widest + LONGEST_RUN) / deviation;
    if truth != 0.0 {
        eprintln!("{key}: {truth} bytes, {sum:.0} by {count} samples: {error:+.2} deviations");
    }
    ensure!(
        -TOLERANCE < error && error < TOLERANCE + skew,
        "{key}: {sum} instead of {truth} bytes by {count} samples, {error} deviations"
    );
    Ok(())
}

fn check_all(watched: &Watched) -> Result<()> {
    ensure!(watched.loss.samples_dropped == 0, "{:?}", watched.loss);
    check(watched, SampleKind::Bounce, BOUNCED)?;
    check(watched, SampleKind::ZeroCopy, ZERO_COPY)?;
    check(watched, SampleKind::Other, OTHER)
}

/// By itself each, so that errors of two cannot make up for each other; and by intervals shorter and
/// longer than what calls move.
pub(crate) fn are_near_the_truth(engine: Engine) -> Result<()> {
    let moves = [
        "bounce", "small", "send", "pieces", "vectors", "copies", "mapped", "made", "splice",
    ];
    for interval in [20_000, 300_000] {
        for moves in moves {
            eprint!("{moves} by {interval}: ");
            check_all(&watch(engine, every(interval), moves)?)?;
        }
    }
    Ok(())
}

/// Few samples are allowed, and all of them wanted.
pub(crate) fn stay_so_under_the_cap(engine: Engine) -> Result<()> {
    let interval = 2_000;
    let every = every(interval);
    let sampling = Sampling {
        calls: SamplingConfig {
            samples_per_second: 100,
            ..every.calls
        },
        ..every
    };
    let watched = watch(
        engine,
        sampling,
        "bounce,send,small,bounce,made,splice,bounce",
    )?;
    check_all(&watched)?;
    let widest = watched.samples.iter().map(|sample| sample.interval).max();
    ensure!(
        widest >= Some(4 * interval),
        "the widest interval is {widest:?}"
    );
    Ok(())
}
