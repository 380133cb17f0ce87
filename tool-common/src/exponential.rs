//! Distances between chosen bytes: exponentially distributed numbers, in fixed point.

/// Bits of the fraction.
const FRACTION: u32 = 24;

/// 1 as [`exponential`] gives it.
pub const EXPONENTIAL_ONE: u64 = 1 << FRACTION;

/// Steps between entries of [`LOGARITHMS`], as a power of 2. Between two of them the logarithm is off
/// from a line by at most `2^-16 / 8`.
const STEP_BITS: u32 = 8;
const STEPS: usize = 1 << STEP_BITS;

/// Bits of the fraction of [`LOGARITHMS`].
const TABLE_FRACTION: u32 = 32;

/// ln(1 + i / [`STEPS`]).
static LOGARITHMS: [u32; STEPS + 1] = {
    let mut table = [0; STEPS + 1];
    let mut i = 0;
    while i <= STEPS {
        table[i] = fixed(logarithm(1.0 + i as f64 / STEPS as f64));
        i += 1;
    }
    table
};

/// ln 2, likewise.
const LN_2: u64 = fixed(logarithm(2.0)) as u64;

const fn fixed(value: f64) -> u32 {
    (value * (1u64 << TABLE_FRACTION) as f64 + 0.5) as u32
}

/// ln of 1 to 2, by the series of the inverse hyperbolic tangent. Run by the compiler only.
const fn logarithm(value: f64) -> f64 {
    let ratio = (value - 1.0) / (value + 1.0);
    let (mut sum, mut power, mut odd) = (0.0, ratio, 1.0);
    while odd < 41.0 {
        sum += power / odd;
        power *= ratio * ratio;
        odd += 2.0;
    }
    2.0 * sum
}

/// -ln((`random` + 1) / 2^32): exponentially distributed with mean 1 where `random` is uniform. The
/// error is less than 1e-5.
#[inline(always)]
#[must_use]
pub fn exponential(random: u32) -> u64 {
    let value = u64::from(random) + 1;
    let exponent = u64::from(value.ilog2());
    // What is behind the leading 1, as 32 bits of a fraction.
    let mantissa = (value << (32 - exponent)) as u32;
    let index = (mantissa >> (32 - STEP_BITS)) as usize;
    let between = u64::from(mantissa & ((1 << (32 - STEP_BITS)) - 1));
    let (low, high) = (
        u64::from(LOGARITHMS[index]),
        u64::from(LOGARITHMS[index + 1]),
    );
    let logarithm = low + (((high - low) * between) >> (32 - STEP_BITS));
    ((32 - exponent) * LN_2 - logarithm) >> (TABLE_FRACTION - FRACTION)
}

#[cfg(test)]
mod tests {
    use super::{EXPONENTIAL_ONE, exponential};

    extern crate std;

    #[test]
    fn it_is_a_logarithm() {
        let step = 65_521;
        let ends = [0, 1, 2, 3, u32::MAX - 1, u32::MAX, 1 << 31, (1 << 31) - 1];
        for random in (0..u32::MAX - step).step_by(step as usize).chain(ends) {
            let exact = -((f64::from(random) + 1.0) / 2f64.powi(32)).ln();
            let found = exponential(random) as f64 / EXPONENTIAL_ONE as f64;
            assert!(
                (found - exact).abs() < 1e-5,
                "{random}: {found}, not {exact}"
            );
        }
    }
}
