//! How far a ratio of sums would be another one if the same were recorded again.
//!
//! Cells that follow each other are alike, so blocks of them are drawn (Künsch, 1989; circular as of
//! Politis and Romano, 1992). What differs from run to run no single recording knows: where there are
//! several of a side, runs are drawn first.

use crate::analysis::comparison::series::{Series, Sums};

/// Times that blocks are drawn.
const DRAWS: usize = 400;

/// The same for the same recordings, always.
const SEED: u64 = 0x0063_6f70_7974_6178;

/// The recordings of one side.
pub(super) struct Sample {
    total: Sums,
    has_cpu: bool,
    /// Sums of each draw; empty where there are too few cells.
    draws: Vec<Sums>,
    /// Independent parts that there are about.
    parts: usize,
}

/// A recording whose blocks can be drawn.
struct Drawable {
    /// Sums of all cells before each, with the cells twice, for blocks that begin near the end.
    before: Vec<Sums>,
    cells: usize,
    block: usize,
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
        let parts = match drawable.as_slice() {
            [one] => one.cells / one.block,
            several => several.len(),
        };
        let mut random = fastrand::Rng::with_seed(SEED);
        let draws = if parts < 2 {
            Vec::new()
        } else {
            (0..DRAWS).map(|_| draw(&drawable, &mut random)).collect()
        };
        Self {
            total,
            has_cpu,
            draws,
            parts,
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
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    pub(super) fn error(&self, metric: impl Fn(&Sums) -> Option<f64>) -> Option<(f64, usize)> {
        let values: Vec<f64> = self.draws.iter().filter_map(metric).collect();
        // Draws without a value are those without bytes: a few say little, many that it is unknown.
        if values.len() < 2 || values.len() * 2 < self.draws.len() {
            return None;
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        let variance = squares.sum::<f64>() / count;
        // What is drawn from few parts varies too little by this much.
        let parts = self.parts as f64;
        Some(((variance * parts / (parts - 1.0)).sqrt(), self.parts - 1))
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
            block: block_length(cells.len()),
        }
    }

    /// Adds as many cells as there are.
    fn draw(&self, random: &mut fastrand::Rng, sum: &mut Sums) {
        let mut left = self.cells;
        while left > 0 {
            let length = self.block.min(left);
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

fn draw(runs: &[Drawable], random: &mut fastrand::Rng) -> Sums {
    let mut sum = Sums::default();
    match runs {
        [one] => one.draw(random, &mut sum),
        several => {
            for _ in several {
                several[random.usize(..several.len())].draw(random, &mut sum);
            }
        }
    }
    sum
}

/// Half the width of a 95% interval, in standard errors: Student's t.
#[expect(clippy::cast_precision_loss, reason = "a small number")]
pub(super) fn quantile(freedom: usize) -> f64 {
    /// By degrees of freedom, from 1 on.
    const TABLE: [f64; 10] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    ];
    /// The normal distribution's.
    const NORMAL: f64 = 1.959_964;
    match freedom {
        0 => f64::INFINITY,
        1..=10 => TABLE[freedom - 1],
        // Abramowitz and Stegun, 26.7.5.
        _ => {
            let (z, freedom) = (NORMAL, freedom as f64);
            let first = (z.powi(3) + z) / (4.0 * freedom);
            let second =
                (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * freedom * freedom);
            z + first + second
        }
    }
}
