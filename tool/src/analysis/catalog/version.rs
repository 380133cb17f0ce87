//! Versions of runtimes.

use std::cmp::Ordering;
use std::fmt;

use serde::Deserialize;

/// Numbers that a version is made of; more are ignored.
const PARTS: usize = 4;

/// A version: its numbers from the left. What is missing is 0, and what follows a number
/// (`rc1`, `-ubuntu2`) is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version([u32; PARTS]);

impl Version {
    /// Reads `1.22.10`, `go1.22`, `21.0.2+13` and the like; `None` where there is no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let mut parts = [0; PARTS];
        let mut is_empty = true;
        for (part, word) in parts.iter_mut().zip(text.split('.')) {
            let end = word
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(word.len());
            let digits = &word[..end];
            let Ok(number) = digits.parse() else {
                break;
            };
            *part = number;
            is_empty = false;
            if end < word.len() {
                break;
            }
        }
        (!is_empty).then_some(Self(parts))
    }
}

/// Versions between bounds, such as `>=1.22, <1.23`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct VersionRange {
    text: String,
    bounds: Vec<(Operator, Version)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
}

const OPERATORS: &[(&str, Operator)] = &[
    (">=", Operator::AtLeast),
    ("<=", Operator::AtMost),
    (">", Operator::Above),
    ("<", Operator::Below),
    ("=", Operator::Equal),
];

impl VersionRange {
    /// Whether `version` lies between the bounds.
    #[must_use]
    pub fn contains(&self, version: Version) -> bool {
        self.bounds.iter().all(|(operator, bound)| {
            let order = version.cmp(bound);
            match operator {
                Operator::AtLeast => order != Ordering::Less,
                Operator::Above => order == Ordering::Greater,
                Operator::AtMost => order != Ordering::Greater,
                Operator::Below => order == Ordering::Less,
                Operator::Equal => order == Ordering::Equal,
            }
        })
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for VersionRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bound = |part: &str| {
            let part = part.trim();
            let &(sign, operator) = OPERATORS.iter().find(|(sign, _)| part.starts_with(sign))?;
            let number = part[sign.len()..].trim();
            let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
            let version = Version::parse(number).filter(|_| is_plain)?;
            Some((operator, version))
        };
        let bounds: Option<Vec<_>> = text.split(',').map(bound).collect();
        match bounds {
            Some(bounds) => Ok(Self { text, bounds }),
            None => Err(format!(
                "`{text}` is no range of versions; write it like `>=1.22, <1.23`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, VersionRange};
    use proptest::prelude::{any, proptest};

    fn version(text: &str) -> Version {
        Version::parse(text).expect("a version")
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(version("1.22.10") > version("1.22.9"));
        assert!(version("1.9") < version("1.22"));
        assert_eq!(version("go1.22"), version("1.22.0"));
        assert_eq!(version("1.22rc1"), version("1.22"));
        assert_eq!(version("21.0.2+13"), version("21.0.2"));
        assert_eq!(version("1..3"), version("1"));
        for none in ["", "go", "..", "99999999999"] {
            assert_eq!(Version::parse(none), None, "{none}");
        }
    }

    #[test]
    fn ranges() {
        let contains = |range: &str, text: &str| {
            let range = VersionRange::try_from(range.to_owned()).expect("a range");
            range.contains(version(text))
        };
        assert!(contains(">=1.22, <1.23", "1.22.10"));
        assert!(contains(">=1.22, <1.23", "1.22"));
        assert!(!contains(">=1.22, <1.23", "1.23"));
        assert!(!contains(">=1.22, <1.23", "1.21.13"));
        assert!(contains(">1, <=2", "2") && !contains(">1, <=2", "1") && contains("=3.1", "3.1.0"));
        for wrong in ["", "1.22", ">=", ">=x", ">=1,", "~1", ">=1.x", ">=1 <2"] {
            assert!(VersionRange::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Version::parse(&text);
            let _ = VersionRange::try_from(text);
        }
    }
}
