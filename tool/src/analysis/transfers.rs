//! What sizes of transfers say together.

use crate::model::TransferSizes;

/// The transfers of one flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfers {
    /// How many.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// The size class that holds the median, half of the transfers being in it or below.
    pub median: TransferSizes,
}

impl Transfers {
    /// The mean of the size class that holds the median: as near as the classes let one come.
    #[must_use]
    pub const fn typical_size(&self) -> u64 {
        match self.median.bytes.checked_div(self.median.count) {
            Some(mean) => mean,
            None => 0,
        }
    }
}

/// Sums up `sizes`, smallest first; `None` where there are no transfers.
#[must_use]
pub fn transfers(sizes: &[TransferSizes]) -> Option<Transfers> {
    let count = sum(sizes.iter().map(|size| size.count));
    let bytes = sum(sizes.iter().map(|size| size.bytes));
    let mut seen: u64 = 0;
    let median = sizes.iter().copied().find(|size| {
        seen = seen.saturating_add(size.count);
        size.count > 0 && seen >= count.div_ceil(2)
    })?;
    Some(Transfers {
        count,
        bytes,
        median,
    })
}

/// The size of a typical byte's transfer: half of the bytes are in transfers of this size class or
/// below; the mean of the class. `None` where there are no bytes.
///
/// Unlike the median of transfers it is not moved by many short ones that carry little.
#[must_use]
pub fn typical_size_by_bytes(sizes: &[TransferSizes]) -> Option<u64> {
    let bytes = sum(sizes.iter().map(|size| size.bytes));
    let mut seen: u64 = 0;
    let median = sizes.iter().find(|size| {
        seen = seen.saturating_add(size.bytes);
        size.bytes > 0 && seen >= bytes.div_ceil(2)
    })?;
    median.bytes.checked_div(median.count)
}

fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::{transfers, typical_size_by_bytes};
    use crate::model::TransferSizes;
    use proptest::prelude::{any, prop, proptest};
    use proptest::prop_assert;

    fn sizes(counts: &[(u8, u64)]) -> Vec<TransferSizes> {
        let sizes = counts.iter().map(|&(bucket, count)| TransferSizes {
            bucket,
            count,
            bytes: count * (1 << bucket),
        });
        sizes.collect()
    }

    fn median(counts: &[(u8, u64)]) -> Option<u8> {
        transfers(&sizes(counts)).map(|transfers| transfers.median.bucket)
    }

    #[test]
    fn the_median_counts_transfers_not_bytes() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[(3, 0)]), None);
        assert_eq!(median(&[(20, 1)]), Some(20));
        assert_eq!(median(&[(4, 10), (30, 9)]), Some(4));
        assert_eq!(median(&[(4, 9), (30, 10)]), Some(30));
        assert_eq!(median(&[(4, 1), (16, 3), (30, 2)]), Some(16));
    }

    #[test]
    fn the_size_of_a_typical_byte_is_not_that_of_a_typical_transfer() {
        let typical = |counts: &[(u8, u64)]| typical_size_by_bytes(&sizes(counts));
        assert_eq!(typical(&[]), None);
        assert_eq!(typical(&[(3, 0)]), None);
        assert_eq!(typical(&[(9, 1000), (30, 1)]), Some(1 << 30));
        assert_eq!(typical(&[(9, 1000), (12, 10)]), Some(512));
        let odd = [TransferSizes {
            bucket: 5,
            count: 0,
            bytes: 9,
        }];
        assert_eq!(typical_size_by_bytes(&odd), None);
    }

    #[test]
    fn the_typical_size_is_within_the_class_of_the_median() {
        let sizes = [TransferSizes {
            bucket: 16,
            count: 4,
            bytes: 400_000,
        }];
        let transfers = transfers(&sizes).expect("four");
        assert_eq!((transfers.count, transfers.bytes), (4, 400_000));
        assert_eq!(transfers.typical_size(), 100_000);
    }

    proptest! {
        #[test]
        fn half_of_the_transfers_are_on_each_side(
            counts in prop::collection::btree_map(0..64u8, any::<u32>(), 0..20),
        ) {
            let sizes: Vec<TransferSizes> = counts
                .iter()
                .map(|(&bucket, &count)| TransferSizes { bucket, count: count.into(), bytes: 0 })
                .collect();
            if let Some(transfers) = transfers(&sizes) {
                let median = transfers.median.bucket;
                let among = |keep: &dyn Fn(u8) -> bool| -> u64 {
                    let kept = sizes.iter().filter(|size| keep(size.bucket));
                    kept.map(|size| size.count).sum()
                };
                prop_assert!(among(&|bucket| bucket < median) * 2 <= transfers.count);
                prop_assert!(among(&|bucket| bucket > median) * 2 <= transfers.count);
            }
        }
    }
}
