//! Sizes in bytes, as people write them.

/// The largest: what one transfer may move.
const LARGEST: u64 = 4 << 30;

/// A number of bytes, or one with `k`, `m` or `g` for KiB, MiB or GiB.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((end, 'k' | 'K')) => (&text[..end], 1 << 10),
        Some((end, 'm' | 'M')) => (&text[..end], 1 << 20),
        Some((end, 'g' | 'G')) => (&text[..end], 1 << 30),
        _ => (text, 1),
    };
    let number: Option<u64> = number.parse().ok();
    let bytes = number.ok_or("write it like 4096, 64k, 1m or 1g")?;
    let bytes = bytes.checked_mul(unit);
    bytes
        .filter(|bytes| (1..=LARGEST).contains(bytes))
        .ok_or_else(|| "it must be from 1 byte to 4g".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse("1"), Ok(1));
        assert_eq!(parse("64k"), Ok(65_536));
        assert_eq!(parse("1M"), Ok(1 << 20));
        assert_eq!(parse("4g"), Ok(4 << 30));
        for wrong in [
            "",
            "k",
            "-1",
            "1.5m",
            "0",
            "5g",
            "99999999999999999999g",
            "1ki",
            "1µ",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
