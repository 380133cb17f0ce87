//! Medians, and where they would lie if the same were measured again.

/// A median of some runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Median {
    /// The median itself; of an even number, the mean of the two in the middle.
    pub value: f64,
    /// An interval that covers the true median in at least 95 of 100 cases, whatever the distribution:
    /// between two of the values, chosen by the binomial distribution (the sign test's interval). `None`
    /// of fewer than 6 values, where not even all of them do.
    pub interval: Option<(f64, f64)>,
}

/// One side of a 95% interval may miss in so many cases.
const MISSES: f64 = 0.025;

impl Median {
    /// That of `values`; `None` of none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let middle = (values[last / 2], values[values.len() / 2]);
        let interval = outside(values.len()).map(|out| (values[out], values[last - out]));
        Some(Self {
            value: f64::midpoint(middle.0, middle.1),
            interval,
        })
    }
}

/// How many of `count` sorted values may be left out at each end.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn outside(count: usize) -> Option<usize> {
    // Of how many values are below the median: `k` of `count` with probability C(count, k) / 2^count.
    let mut probability = 0.5_f64.powf(count as f64);
    let mut sum = 0.0;
    let mut left_out = None;
    for k in 0..count / 2 {
        sum += probability;
        if sum > MISSES {
            break;
        }
        left_out = Some(k);
        probability *= (count - k) as f64 / (k + 1) as f64;
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median(values: &[f64]) -> Option<Median> {
        Median::of(values.iter().copied())
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]).map(|m| m.value), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]).map(|m| m.value), Some(2.5));
    }

    #[test]
    fn intervals_are_those_of_tables() {
        // Ranks of the sign test's 95% interval, one less as they count from 0.
        for (count, rank) in [
            (5, None),
            (6, Some(0)),
            (9, Some(1)),
            (11, Some(1)),
            (15, Some(3)),
        ] {
            assert_eq!(outside(count), rank, "{count}");
        }
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(
            median(&ten).and_then(|median| median.interval),
            Some((2.0, 9.0))
        );
    }
}
