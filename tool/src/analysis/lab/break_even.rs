//! From which size of transfers on a path costs less than another one.

use std::collections::BTreeMap;

use super::isotonic;
use crate::model::{BreakEven, LabRun, LabSeries};

/// Times that runs are drawn.
const DRAWS: usize = 1000;

/// The same for the same runs, always.
const SEED: u64 = 0x0063_6f70_7974_6178;

/// Of the drawn, at each end of the interval. What is drawn differs less than what is measured again: of
/// simulated machines, the truth was in between 2.5 and 97.5 of 100 drawn in 88 of 100 cases only.
const MISSES: f64 = 0.005;

/// Runs that are drawn together: what disturbs one often disturbs the next ones, too.
const BLOCK: usize = 5;

/// What a quarter of normal values is away from their mean, in standard deviations.
const QUARTILE: f64 = 0.674_5;

/// One size: CPU times of runs of both paths that took turns, as logarithms of their ratios.
struct Point {
    /// Its logarithm.
    size: f64,
    ratios: Vec<f64>,
    /// How much it is to be relied on: one over the variance of a ratio.
    weight: f64,
}

/// From where on `path` takes less CPU time than `against`, of all sizes over one transport; `None` where
/// fewer than two sizes were measured.
///
/// Of each size the ratio of runs that took turns is taken, as the mean of the middle ones. What a call costs besides the bytes is
/// divided among more bytes in larger transfers, so that the true ratio of a path that saves work on each
/// byte and spends more on each transfer falls with their size: the curve that falls and fits these
/// best is taken in place of them. About where that, on logarithmic scales, goes below 1, a straight line is
/// put through the ratios, and where that does is the break-even. The interval is that of as many runs drawn from the runs (bootstrap of blocks), 95%.
#[must_use]
pub fn break_even(series: &[LabSeries], path: &str, against: &str) -> Option<BreakEven> {
    let points = points(series, path, against);
    let (first, last) = (points.first()?.size, points.last()?.size);
    let rounds = points.iter().map(|point| point.ratios.len()).min()?;
    if points.len() < 2 || rounds == 0 {
        return None;
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| crossing(&points, &draw(rounds, &mut random)))
        .collect();
    drawn.sort_by(f64::total_cmp);
    let (low, high) = (drawn[rank(MISSES)], drawn[rank(1.0 - MISSES)]);
    let bytes = |size: f64| (size <= last).then(|| whole(size.max(first).exp()));
    let all: Vec<usize> = (0..rounds).collect();
    Some(BreakEven {
        bytes: bytes(crossing(&points, &all)),
        low: bytes(low),
        high: bytes(high),
        smallest: whole(first.exp()),
        largest: whole(last.exp()),
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
    both.map(|(size, a, b)| {
        let ratios: Vec<f64> = a.runs.iter().zip(&b.runs).filter_map(ratio).collect();
        Point {
            size: precise(size).ln(),
            weight: weight(&ratios),
            ratios,
        }
    })
    .collect()
}

fn ratio((path, against): (&LabRun, &LabRun)) -> Option<f64> {
    let seconds = |run: &LabRun| run.cpu.as_secs_f64();
    let ratio = (seconds(path) / seconds(against)).ln();
    ratio.is_finite().then_some(ratio)
}

/// By the quartiles, which a few runs that were disturbed do not move.
fn weight(ratios: &[f64]) -> f64 {
    /// No clock is better.
    const LEAST: f64 = 1e-3;
    let mut ratios = ratios.to_vec();
    ratios.sort_by(f64::total_cmp);
    let Some(last) = ratios.len().checked_sub(1) else {
        return 0.0;
    };
    let spread = ratios[last - last / 4] - ratios[last / 4];
    let deviation = (spread / (2.0 * QUARTILE)).max(LEAST);
    1.0 / (deviation * deviation)
}

/// As many as there are, with repetition, in blocks that follow each other.
fn draw(rounds: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(rounds);
    while chosen.len() < rounds {
        let start = random.usize(..rounds);
        let block = (start..start + BLOCK).map(|round| round % rounds);
        chosen.extend(block.take(rounds - chosen.len()));
    }
    chosen
}

/// The logarithm of the size where the ratios of the `chosen` runs go below 1: the first size where they
/// always are, infinity where they never are.
fn crossing(points: &[Point], chosen: &[usize]) -> f64 {
    let ratios: Vec<f64> = points.iter().map(|point| middle(point, chosen)).collect();
    let weights = points.iter().map(|point| point.weight);
    let curve = isotonic::falling(ratios.iter().copied().zip(weights));
    let Some(below) = curve.iter().position(|ratio| *ratio < 0.0) else {
        return f64::INFINITY;
    };
    let Some(above) = below.checked_sub(1) else {
        return points[0].size;
    };
    let share = curve[above] / (curve[above] - curve[below]);
    let about = points[above].size + (points[below].size - points[above].size) * share;
    by_line(points, &ratios, about)
}

/// Where a line through the ratios near `about` is 0; `about` itself where it does not fall, or leads away.
fn by_line(points: &[Point], ratios: &[f64], about: f64) -> f64 {
    /// How far sizes count, the less the further they are: there the ratio is nearly a line.
    const NEAR: f64 = 2.5 * std::f64::consts::LN_2;
    let near = points.iter().zip(ratios).filter_map(|(point, ratio)| {
        let away = point.size - about;
        let share = 1.0 - away.abs() / NEAR;
        (share > 0.0).then_some((away, *ratio, point.weight * share))
    });
    let near: Vec<(f64, f64, f64)> = near.collect();
    let sum = |of: fn(&(f64, f64, f64)) -> f64| near.iter().map(of).sum::<f64>();
    let weight = sum(|(_, _, weight)| *weight);
    let size = sum(|(size, _, weight)| size * weight) / weight;
    let ratio = sum(|(_, ratio, weight)| ratio * weight) / weight;
    let of = |(x, y, weight): &(f64, f64, f64)| {
        (
            weight * (x - size) * (y - ratio),
            weight * (x - size).powi(2),
        )
    };
    let (covariance, variance) = near
        .iter()
        .map(of)
        .fold((0.0, 0.0), |sum, (a, b)| (sum.0 + a, sum.1 + b));
    let slope = covariance / variance;
    let moved = size - ratio / slope;
    if slope < 0.0 && moved.abs() <= NEAR {
        let last = points.last().map_or(about, |point| point.size);
        (about + moved).min(last)
    } else {
        about
    }
}

/// The mean of the ratios without the fifth that is lowest and the one that is highest.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn middle(point: &Point, chosen: &[usize]) -> f64 {
    let mut ratios: Vec<f64> = chosen.iter().map(|&run| point.ratios[run]).collect();
    ratios.sort_by(f64::total_cmp);
    let left_out = ratios.len() / 5;
    let middle = &ratios[left_out..ratios.len() - left_out];
    middle.iter().sum::<f64>() / middle.len() as f64
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
mod tests;
