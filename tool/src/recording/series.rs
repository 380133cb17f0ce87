//! What a counter had in each step of a chunk, in few bytes.
//!
//! Three columns follow each other: bytes, calls, and first pieces less calls. Of each value the
//! difference from the one before it is written, as a LEB128 of its zigzag form; a difference of 0 is
//! followed by the number of further zeros. At the end there is the CRC-32 of all that, in little-endian
//! order.

use crate::recording::counts::Counts;

/// Steps of a chunk.
pub(super) const STEPS: usize = 64;

/// A number in LEB128 has no more bytes.
const LONGEST: u32 = 10;

/// Writes a series.
pub(crate) fn encode(steps: &[Counts]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(steps.len() * 4);
    for column in 0..3 {
        let mut previous = 0;
        let mut zeros = 0_u64;
        for step in steps {
            let value = columns(step)[column];
            let difference = value.wrapping_sub(previous);
            previous = value;
            if difference == 0 {
                zeros += 1;
                continue;
            }
            put_zeros(&mut bytes, &mut zeros);
            put(&mut bytes, zigzag(difference));
        }
        put_zeros(&mut bytes, &mut zeros);
    }
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

/// Reads a series of so many steps; `None` where it is none.
pub(crate) fn decode(bytes: &[u8], steps: usize) -> Option<Vec<Counts>> {
    let (mut bytes, sum) = bytes.split_last_chunk()?;
    if steps > STEPS || crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut decoded = vec![[0_i64; 3]; steps];
    for column in 0..3 {
        let mut previous = 0_i64;
        let mut index = 0;
        while index < steps {
            let difference = unzigzag(take(&mut bytes)?);
            let times = match difference {
                0 => usize::try_from(take(&mut bytes)?).ok()?.checked_add(1)?,
                _ => 1,
            };
            previous = previous.wrapping_add(difference);
            let end = index.checked_add(times).filter(|end| *end <= steps)?;
            for row in &mut decoded[index..end] {
                row[column] = previous;
            }
            index = end;
        }
    }
    bytes.is_empty().then(|| {
        let rows = decoded.into_iter();
        rows.map(|[bytes, calls, pieces]| Counts {
            bytes,
            calls,
            first_pieces: pieces.wrapping_add(calls),
        })
        .collect()
    })
}

fn columns(counts: &Counts) -> [i64; 3] {
    let pieces = counts.first_pieces.wrapping_sub(counts.calls);
    [counts.bytes, counts.calls, pieces]
}

fn put_zeros(bytes: &mut Vec<u8>, zeros: &mut u64) {
    if let Some(more) = zeros.checked_sub(1) {
        bytes.push(0);
        put(bytes, more);
        *zeros = 0;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits of it")]
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for index in 0..LONGEST {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(first & 0x7f);
        number |= bits.checked_shl(7 * index)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts() -> impl Strategy<Value = Counts> {
        let number = prop_oneof![Just(0), Just(65_536), any::<i64>()];
        (number.clone(), number.clone(), number).prop_map(|(bytes, calls, first_pieces)| Counts {
            bytes,
            calls,
            first_pieces,
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(steps in prop::collection::vec(counts(), 0..=STEPS)) {
            prop_assert_eq!(decode(&encode(&steps), steps.len()), Some(steps));
        }

        #[test]
        fn a_flipped_bit_is_noticed(
            steps in prop::collection::vec(counts(), 0..=STEPS),
            bit in any::<prop::sample::Index>(),
        ) {
            let mut bytes = encode(&steps);
            let bit = bit.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(decode(&bytes, steps.len()), None);
        }

        #[test]
        fn garbage_is_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..64), steps in 0..200_usize) {
            let sum = crc32fast::hash(&bytes);
            bytes.extend_from_slice(&sum.to_le_bytes());
            if let Some(steps) = decode(&bytes, steps) {
                prop_assert_eq!(decode(&encode(&steps), steps.len()), Some(steps));
            }
        }
    }

    #[test]
    fn a_steady_flow_is_short() {
        let steady = Counts {
            bytes: 1 << 20,
            calls: 16,
            first_pieces: 16,
        };
        assert_eq!(encode(&[steady; STEPS]).len(), 4 + 2 + 1 + 2 + 2 + 4);
    }
}
