//! Logarithmic axes.

/// From one value to another, on so many units of the drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// One that has all of these values, which are above 0, and ends at marks of 1, 2 and 5; `None` of none.
    pub(super) fn of(
        values: impl IntoIterator<Item = f64>,
        (from, to): (f64, f64),
    ) -> Option<Self> {
        let ends = values
            .into_iter()
            .filter(|value| value.is_finite() && *value > 0.0)
            .fold(None, |ends, value| match ends {
                None => Some((value, value)),
                Some((low, high)) => Some((value.min(low), value.max(high))),
            });
        let (low, high) = ends?;
        let below = marks_about(low).filter(|mark| *mark <= low * 1.000_001);
        let above = marks_about(high).find(|mark| *mark * 1.000_001 >= high);
        Some(Self {
            low: below.fold(low / 2.0, f64::max),
            high: above.unwrap_or(high * 2.0),
            from,
            to,
        })
    }

    /// One between powers of 2.
    pub(super) fn of_sizes(sizes: &[u64], (from, to): (f64, f64)) -> Option<Self> {
        let (low, high) = (precise(*sizes.iter().min()?), precise(*sizes.iter().max()?));
        Some(Self {
            low,
            // One size is in the middle of its own axis.
            high: if high > low { high } else { low * 2.0 },
            from,
            to,
        })
    }

    /// Where a value is; the end, of one beyond.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = (value / self.low).ln() / (self.high / self.low).ln();
        let share = if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self.from + (self.to - self.from) * share
    }

    /// The marks of 1, 2 and 5 on it; those of 1 alone where there were too many.
    pub(super) fn marks(&self) -> Vec<f64> {
        /// More have no room for their numbers.
        const MOST: usize = 8;
        let inside = |mark: &f64| *mark >= self.low * 0.999_999 && *mark <= self.high * 1.000_001;
        let low = self.low.log10().floor();
        let all = decades(low, self.high.log10().ceil());
        let marks: Vec<f64> = all.filter(inside).collect();
        if marks.len() <= MOST {
            return marks;
        }
        marks
            .into_iter()
            .filter(|mark| (mark.log10() - mark.log10().round()).abs() < 1e-6)
            .collect()
    }
}

fn marks_about(value: f64) -> impl Iterator<Item = f64> {
    let decade = value.log10().floor();
    decades(decade, decade + 1.0)
}

/// 1, 2 and 5 of each, and the 1 behind the last.
#[expect(clippy::cast_possible_truncation, reason = "exponents")]
fn decades(first: f64, last: f64) -> impl Iterator<Item = f64> {
    let decades = first as i32..=last as i32;
    decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|mark| mark * 10_f64.powi(decade)))
}

/// For a drawing.
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^53")]
pub(super) fn precise(size: u64) -> f64 {
    size as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_between_the_marks() {
        let axis = Axis::of([0.15, 2.3], (0.0, 100.0)).expect("there are values");
        let rounded: Vec<String> = axis
            .marks()
            .iter()
            .map(|mark| format!("{mark:.1}"))
            .collect();
        assert_eq!(rounded, ["0.1", "0.2", "0.5", "1.0", "2.0", "5.0"]);
        assert!(axis.place(0.1).abs() < 1e-6 && (axis.place(5.0) - 100.0).abs() < 1e-6);
        assert!(axis.place(0.15) > 0.0 && axis.place(0.15) < axis.place(2.3));
        assert!(Axis::of([f64::NAN, 0.0], (0.0, 1.0)).is_none());
    }

    #[test]
    fn one_value_has_an_axis() {
        let axis = Axis::of([2.0], (0.0, 100.0)).expect("there is a value");
        assert!(axis.place(2.0).is_finite());
        let sizes = Axis::of_sizes(&[4096], (0.0, 100.0)).expect("there is a size");
        assert!(sizes.place(4096.0).abs() < 1e-9);
    }
}
