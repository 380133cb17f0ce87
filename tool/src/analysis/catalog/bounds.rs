//! From a number of bytes on, or below one.

use serde::Deserialize;

/// Sizes from `at_least` on and below `below`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawBounds")]
pub struct Bounds {
    /// The smallest that fits.
    pub at_least: Option<u64>,
    /// The smallest that is too large.
    pub below: Option<u64>,
}

impl Bounds {
    /// Whether `size` lies between them. What is not known does not.
    #[must_use]
    pub fn hold(&self, size: Option<u64>) -> bool {
        size.is_some_and(|size| {
            self.at_least.is_none_or(|least| size >= least)
                && self.below.is_none_or(|below| size < below)
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBounds {
    at_least: Option<u64>,
    below: Option<u64>,
}

impl TryFrom<RawBounds> for Bounds {
    type Error = &'static str;

    fn try_from(RawBounds { at_least, below }: RawBounds) -> Result<Self, Self::Error> {
        match (at_least, below) {
            (None, None) => Err("neither `at_least` nor `below` is given"),
            (Some(least), Some(below)) if least >= below => {
                Err("`at_least` is not smaller than `below`: nothing fits")
            }
            _ => Ok(Self { at_least, below }),
        }
    }
}
