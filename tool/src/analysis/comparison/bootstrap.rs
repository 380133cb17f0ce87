//! How far a ratio of sums would be another one if the same were recorded again.
//!
//! Cells that follow each other are alike, so blocks of them are drawn (Künsch, 1989; circular as of
//! Politis and Romano, 1992). Blocks of one length miss what is alike across their ends, which makes the
//! variance too small by a part that is inverse to the length. Blocks of half the length miss twice as
//! much, which tells how much that is (Politis and Romano, 1995). What differs from run to run no single
//! recording knows: where there are several of a side, runs are drawn first.

use std::f64::consts::FRAC_PI_2;

use crate::analysis::comparison::series::{Series, Sums};

/// Times that blocks are drawn.
const DRAWS: usize = 400;

/// The same for the same recordings, always.
const SEED: u64 = 0x0063_6f70_7974_6178;

/// The recordings of one side.
pub(super) struct Sample {
    total: Sums,
    has_cpu: bool,
    /// None where there are too few cells.
    draws: Option<Draws>,
}

/// What was drawn.
struct Draws {
    /// Of whole blocks, or of runs.
    whole: Drawn,
    /// Of blocks of half the length; `None` of runs, which are independent.
    half: Option<Drawn>,
    /// Degrees of freedom of the variance.
    freedom: usize,
}

/// Sums of each draw, and how many parts were drawn from.
struct Drawn {
    sums: Vec<Sums>,
    parts: f64,
}

/// A recording whose blocks can be drawn.
struct Drawable {
    /// Sums of all cells before each, with the cells twice, for blocks that begin near the end.
    before: Vec<Sums>,
    cells: usize,
}

impl Sample {
    /// Draws from the runs of a side.
    pub(super) fn new(runs: Vec<Series>) -> Self {
        let mut total = Sums::default();
        for cell in runs.iter().flat_map(|run| &run.cells) {
            total.add(cell);
        }
        let has_cpu = runs.iter().all(|run| run.has_cpu);
        let drawable: Vec<Drawable> = runs
            .iter()
            .filter(|run| !run.cells.is_empty())
            .map(|run| Drawable::new(&run.cells))
            .collect();
        Self {
            total,
            has_cpu,
            draws: Draws::new(&drawable),
        }
    }

    /// The sums of all of it.
    pub(super) fn total(&self) -> &Sums {
        &self.total
    }

    /// Whether CPU time was sampled in all recordings.
    pub(super) fn has_cpu(&self) -> bool {
        self.has_cpu
    }

    /// The standard error of what `metric` makes of the sums, and its degrees of freedom; `None` where
    /// there is too little to tell.
    pub(super) fn error(&self, metric: impl Fn(&Sums) -> Option<f64>) -> Option<(f64, usize)> {
        let draws = self.draws.as_ref()?;
        let whole = draws.whole.variance(&metric)?;
        let half = draws.half.as_ref().map(|half| half.variance(&metric));
        let variance = match half {
            // What it would be of blocks without an end; not less than of those that there are.
            Some(half) => whole.max(2.0 * whole - half?),
            None => whole,
        };
        Some((variance.sqrt(), draws.freedom))
    }
}

impl Draws {
    fn new(runs: &[Drawable]) -> Option<Self> {
        let mut random = fastrand::Rng::with_seed(SEED);
        match runs {
            [one] => {
                let block = block_length(one.cells);
                (one.cells / block >= 2).then(|| Self {
                    whole: Drawn::blocks(one, block, &mut random),
                    half: Some(Drawn::blocks(one, block.div_ceil(2), &mut random)),
                    // Of this combination, when blocks are many: 2 / freedom is the square of the
                    // coefficient of variation of the variance, 8 / 3 blocks' share of all.
                    freedom: (one.cells * 3 / (block * 4)).max(1),
                })
            }
            [] => None,
            several => Some(Self {
                whole: Drawn::runs(several, &mut random),
                half: None,
                freedom: several.len() - 1,
            }),
        }
    }
}

impl Drawn {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn blocks(run: &Drawable, block: usize, random: &mut fastrand::Rng) -> Self {
        Self {
            sums: (0..DRAWS)
                .map(|_| {
                    let mut sum = Sums::default();
                    run.draw(block, random, &mut sum);
                    sum
                })
                .collect(),
            parts: run.cells as f64 / block as f64,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn runs(runs: &[Drawable], random: &mut fastrand::Rng) -> Self {
        Self {
            sums: (0..DRAWS)
                .map(|_| {
                    let mut sum = Sums::default();
                    for _ in runs {
                        let run = &runs[random.usize(..runs.len())];
                        run.draw(block_length(run.cells), random, &mut sum);
                    }
                    sum
                })
                .collect(),
            parts: runs.len() as f64,
        }
    }

    /// The variance of what `metric` makes of the draws.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn variance(&self, metric: &impl Fn(&Sums) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self.sums.iter().filter_map(metric).collect();
        // Draws without a value are those without bytes: a few say little, many that it is unknown.
        if values.len() < 2 || values.len() * 2 < self.sums.len() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        // What is drawn from few parts varies too little by this much.
        Some(squares.sum::<f64>() / count * self.parts / (self.parts - 1.0))
    }
}

impl Drawable {
    fn new(cells: &[Sums]) -> Self {
        let mut before = Vec::with_capacity(cells.len() * 2 + 1);
        let mut sum = Sums::default();
        before.push(sum);
        for cell in cells.iter().chain(cells) {
            sum.add(cell);
            before.push(sum);
        }
        Self {
            before,
            cells: cells.len(),
        }
    }

    /// Adds as many cells as there are.
    fn draw(&self, block: usize, random: &mut fastrand::Rng, sum: &mut Sums) {
        let mut left = self.cells;
        while left > 0 {
            let length = block.min(left);
            let start = random.usize(..self.cells);
            sum.add(&self.before[start + length].minus(&self.before[start]));
            left -= length;
        }
    }
}

/// Twice the cube root of the number of cells, which keeps blocks long and many as that grows. Shorter
/// ones miss how alike the seconds of a busy server are.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn block_length(cells: usize) -> usize {
    ((cells as f64).cbrt() * 2.0).ceil() as usize
}

/// Half the width of the interval that has a number in all but a share of `error` of cases, in standard
/// errors: Student's t.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
pub(super) fn quantile(freedom: usize, error: f64) -> f64 {
    /// Beyond so many it is all but normally distributed.
    const MOST: usize = 1000;
    /// Halvings, which leave nothing that 53 bits could tell.
    const HALVINGS: usize = 60;
    if freedom == 0 {
        return f64::INFINITY;
    }
    let freedom = freedom.min(MOST);
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..HALVINGS {
        let angle = f64::midpoint(low, high);
        if 1.0 - share_within(angle, freedom) > error {
            low = angle;
        } else {
            high = angle;
        }
    }
    low.tan() * (freedom as f64).sqrt()
}

/// The share of cases that are within tan(angle) * sqrt(freedom) (Abramowitz and Stegun, 26.7.3 and
/// 26.7.4).
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn share_within(angle: f64, freedom: usize) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    let is_odd = freedom % 2 == 1;
    let mut term = if is_odd { cosine } else { 1.0 };
    let mut sum = 0.0;
    for index in (usize::from(is_odd)..freedom.saturating_sub(1)).step_by(2) {
        sum += term;
        term *= cosine * cosine * (index as f64 + 1.0) / (index as f64 + 2.0);
    }
    if is_odd {
        (angle + sine * sum) / FRAC_PI_2
    } else {
        sine * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of tables of Student's t.
    #[test]
    fn quantiles() {
        for (freedom, error, expected) in [
            (1, 0.05, 12.706),
            (2, 0.05, 4.303),
            (3, 0.01, 5.841),
            (10, 0.05, 2.228),
            (30, 0.001, 3.646),
            (1_000_000, 0.05, 1.962),
        ] {
            let found = quantile(freedom, error);
            assert!((found - expected).abs() < 0.001, "{freedom}: {found}");
        }
        assert_eq!(quantile(0, 0.05), f64::INFINITY);
    }
}
