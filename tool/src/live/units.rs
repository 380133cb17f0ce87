//! Units of rates.

use crate::report;

/// In what rates are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Units {
    /// Bytes a second, in powers of 1024.
    #[default]
    Binary,
    /// Bytes a second, in powers of 1000.
    Decimal,
    /// Bits a second, in powers of 1000, as links are sold.
    Bits,
}

impl Units {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Binary => Self::Decimal,
            Self::Decimal => Self::Bits,
            Self::Bits => Self::Binary,
        }
    }

    /// A rate; `-` where there is none. At most 12 columns.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are not negative; larger ones saturate"
    )]
    pub fn rate(self, per_second: f64) -> String {
        if per_second < 0.5 {
            return "-".to_owned();
        }
        match self {
            Self::Binary => format!("{}/s", report::bytes(per_second.round() as u64)),
            Self::Decimal => decimal(per_second, "B/s"),
            Self::Bits => decimal(per_second * 8.0, "bit/s"),
        }
    }
}

fn decimal(mut number: f64, unit: &str) -> String {
    const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut prefix = 0;
    while number >= 999.95 && prefix + 1 < PREFIXES.len() {
        number /= 1000.0;
        prefix += 1;
    }
    if prefix == 0 {
        return format!("{number:.0} {unit}");
    }
    format!("{number:.1} {}{unit}", PREFIXES[prefix])
}

#[cfg(test)]
mod tests {
    use super::Units;

    #[test]
    fn rates() {
        for (units, rate, text) in [
            (Units::Binary, 0.0, "-"),
            (Units::Binary, 1536.0, "1.5 KiB/s"),
            (Units::Decimal, 999.0, "999 B/s"),
            (Units::Decimal, 999_960.0, "1.0 MB/s"),
            (Units::Bits, 125_000_000.0, "1.0 Gbit/s"),
        ] {
            assert_eq!(units.rate(rate), text);
        }
    }
}
