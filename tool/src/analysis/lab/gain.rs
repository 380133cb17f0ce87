//! What is gained by another path, by what both cost in the lab.

use crate::model::{Calibration, Estimate, TransferCost};

use super::calibration::FILE;

/// Half the width of a 95% interval, in standard errors.
const ERRORS: f64 = 1.96;

/// CPU time of one byte, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// By read and write.
    pub before: Estimate,
    /// By the other path.
    pub after: Estimate,
}

impl Gain {
    /// What is saved of each byte, in nanoseconds.
    #[must_use]
    pub fn of_byte(self) -> Estimate {
        Estimate {
            value: self.before.value - self.after.value,
            variance: self.before.variance + self.after.variance,
        }
    }
}

/// What `path` gains over read and write, for transfers of so many bytes; `None` where `calibration` has no
/// costs of both.
///
/// Between the sizes that were measured, costs lie on a line of logarithmic scales; beyond them, bytes cost
/// what they do at the last one.
#[must_use]
pub fn gain(calibration: &Calibration, path: &str, transfer: u64) -> Option<Gain> {
    let of = |path: &str| cost_of_byte(calibration.costs.get(path)?, transfer);
    Some(Gain {
        before: of(FILE)?,
        after: of(path)?,
    })
}

/// CPU time of one byte of a transfer of so many, in nanoseconds.
fn cost_of_byte(costs: &[TransferCost], bytes: u64) -> Option<Estimate> {
    let after = costs.iter().position(|cost| cost.bytes >= bytes);
    let (next, last) = (costs.get(after.unwrap_or(0)), costs.last()?);
    match (after, next) {
        (None, _) => of_byte(last),
        (Some(0), Some(first)) => of_byte(first),
        (Some(after), Some(next)) => {
            let before = costs.get(after - 1)?;
            let place = ln(bytes) - ln(before.bytes);
            let weight = place / (ln(next.bytes) - ln(before.bytes));
            between(of_byte(before)?, of_byte(next)?, weight)
        }
        (Some(_), None) => None,
    }
}

/// The geometric mean, weighted.
fn between(a: Estimate, b: Estimate, weight: f64) -> Option<Estimate> {
    let value = (a.value.ln() * (1.0 - weight) + b.value.ln() * weight).exp();
    let relative = [a, b].map(|end| end.variance / end.value.powi(2));
    let larger = relative.into_iter().max_by(f64::total_cmp)?;
    Some(Estimate {
        value,
        variance: larger * value * value,
    })
}

/// `None` where a transfer cost nothing, which cannot be.
#[expect(clippy::cast_precision_loss, reason = "times far below 2^53 ns")]
fn of_byte(cost: &TransferCost) -> Option<Estimate> {
    let is_usable = cost.bytes > 0 && cost.cpu_ns > 0;
    let bytes = cost.bytes as f64;
    let width = cost.interval_ns.map_or(0, |(low, high)| high.abs_diff(low));
    is_usable.then(|| Estimate {
        value: cost.cpu_ns as f64 / bytes,
        variance: (width as f64 / 2.0 / ERRORS / bytes).powi(2),
    })
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
fn ln(bytes: u64) -> f64 {
    (bytes as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::fixture;

    fn cost(bytes: u64, cpu_ns: u64) -> TransferCost {
        TransferCost {
            bytes,
            cpu_ns,
            interval_ns: Some((cpu_ns - cpu_ns / 10, cpu_ns + cpu_ns / 10)),
        }
    }

    fn calibration() -> Calibration {
        let usual = vec![cost(1_000, 3_000), cost(64_000, 32_000)];
        let sendfile = vec![cost(1_000, 4_000), cost(64_000, 16_000)];
        Calibration {
            costs: [
                (FILE.to_owned(), usual),
                ("sendfile".to_owned(), sendfile),
                ("free".to_owned(), vec![cost(1_000, 0)]),
            ]
            .into(),
            ..fixture::calibration()
        }
    }

    fn found(transfer: u64) -> Gain {
        gain(&calibration(), "sendfile", transfer).expect("both were measured")
    }

    #[track_caller]
    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9, "{value}, not {expected}");
    }

    #[test]
    fn what_was_measured() {
        let long = found(64_000);
        assert_near(long.of_byte().value, 0.25);
        // Of 10% up and down each.
        let margin = 0.1 * 0.5_f64.hypot(0.25) * 1.959_964 / 1.96;
        assert_near(long.of_byte().margin(), margin);
        let short = found(1_000);
        assert_near(short.of_byte().value, -1.0);
    }

    #[test]
    fn between_sizes_and_beyond_them() {
        let between = found(8_000);
        assert_near(between.before.value, (3.0_f64 * 0.5).sqrt());
        assert_near(found(10).before.value, 3.0);
        assert_near(found(1 << 30).before.value, 0.5);
    }

    #[test]
    fn what_was_not_measured() {
        assert_eq!(gain(&calibration(), "splice", 1_000), None);
        assert_eq!(gain(&calibration(), "free", 1_000), None);
    }
}
