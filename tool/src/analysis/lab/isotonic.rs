//! The curve that never rises and fits best (isotonic regression).

/// Values that belong together, as they would rise otherwise.
struct Block {
    mean: f64,
    weight: f64,
    values: usize,
}

/// Of all curves that never rise, the one whose weighted squares of distances from the values have the
/// smallest sum, by pooling adjacent violators. Weights are above zero.
pub(super) fn falling(values: impl IntoIterator<Item = (f64, f64)>) -> Vec<f64> {
    let mut blocks: Vec<Block> = Vec::new();
    for (value, weight) in values {
        let mut block = Block {
            mean: value,
            weight,
            values: 1,
        };
        while let Some(before) = blocks.pop_if(|before| before.mean < block.mean) {
            let sum = before.mean * before.weight + block.mean * block.weight;
            block.weight += before.weight;
            block.mean = sum / block.weight;
            block.values += before.values;
        }
        blocks.push(block);
    }
    blocks
        .iter()
        .flat_map(|block| std::iter::repeat_n(block.mean, block.values))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: &[f64]) -> Vec<f64> {
        falling(values.iter().map(|value| (*value, 1.0)))
    }

    #[test]
    fn what_falls_stays() {
        assert_eq!(curve(&[3.0, 2.0, 2.0, -1.0]), [3.0, 2.0, 2.0, -1.0]);
        assert!(curve(&[]).is_empty());
    }

    #[test]
    fn what_rises_is_pooled() {
        assert_eq!(curve(&[1.0, 2.0, 3.0]), [2.0, 2.0, 2.0]);
        assert_eq!(curve(&[4.0, 1.0, 3.0, 0.0]), [4.0, 2.0, 2.0, 0.0]);
        assert_eq!(falling([(0.0, 1.0), (4.0, 3.0)]), [3.0, 3.0]);
    }
}
