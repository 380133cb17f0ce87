//! Version numbers in what programs say of themselves.

/// Longer ones are not versions.
const LONGEST: usize = 32;

/// The numbers that `text` begins with, such as `1.22.1` of `1.22.1-9+deb12u1`; `None` unless there
/// are two of them.
pub(super) fn numbers(text: &[u8]) -> Option<String> {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b'.')
        .unwrap_or(text.len());
    let numbers = std::str::from_utf8(&text[..end])
        .ok()?
        .trim_end_matches('.');
    let mut parts = numbers.split('.');
    let whole = parts.clone().all(|part| !part.is_empty()) && parts.nth(1).is_some();
    (whole && numbers.len() <= LONGEST).then(|| numbers.to_owned())
}

/// As [`numbers`], with the letters and numbers that directly follow: `1.23rc1`, `3.13.0a4`.
pub(super) fn with_stage(text: &[u8]) -> Option<String> {
    let mut version = numbers(text)?;
    let rest = &text[version.len()..];
    let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric());
    let stage = std::str::from_utf8(&rest[..end.unwrap_or(rest.len())]).ok()?;
    version += stage;
    (version.len() <= LONGEST).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::{numbers, with_stage};

    #[test]
    fn what_is_a_version() {
        for (text, expected) in [
            ("1.22.1", Some("1.22.1")),
            ("2.6.12-1+deb12u4", Some("2.6.12")),
            ("17.0.15+6-Debian", Some("17.0.15")),
            ("1.2.\n", Some("1.2")),
            ("17", None),
            ("1..2", None),
            (".1.2", None),
            ("", None),
            ("v1.2", None),
        ] {
            assert_eq!(numbers(text.as_bytes()).as_deref(), expected, "{text}");
        }
        assert_eq!(numbers("1.".repeat(100).as_bytes()), None);
    }

    #[test]
    fn with_its_stage() {
        assert_eq!(with_stage(b"1.23rc1").as_deref(), Some("1.23rc1"));
        assert_eq!(with_stage(b"3.13.0a4\0x").as_deref(), Some("3.13.0a4"));
        assert_eq!(with_stage(b"1.22.10 X:a").as_deref(), Some("1.22.10"));
        assert_eq!(
            with_stage(format!("1.2{}", "a".repeat(99)).as_bytes()),
            None
        );
    }
}
