//! Policies as people write them.

use serde::Deserialize;
use thiserror::Error;

use crate::analysis::catalog::{Catalog, Glob};
use crate::analysis::diagnosis::parse_verdict;
use crate::analysis::policy::{Forbidden, Policy};

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PolicyError(String);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    policy: Vec<RawPolicy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    process: Option<Glob>,
    min_hit_rate: Option<Amount>,
    max_lost_bytes: Option<Amount>,
    max_lost_share: Option<Amount>,
    #[serde(default)]
    forbid: Vec<String>,
}

/// A number, or a text with a unit.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Amount {
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Amount {
    fn text(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Reads the policies of a file, such as `copytax.toml`. Its rules must be in `catalog`.
///
/// # Errors
///
/// The first thing that is wrong with it, and where.
pub fn parse(text: &str, catalog: &Catalog) -> Result<Vec<Policy>, PolicyError> {
    let file: RawFile = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or_default();
            format!("line {}: ", before.matches('\n').count() + 1)
        });
        PolicyError(format!("{}{}", line.unwrap_or_default(), error.message()))
    })?;
    if file.policy.is_empty() {
        return Err(PolicyError("it has no [[policy]]".to_owned()));
    }
    let policies = file.policy.into_iter().enumerate();
    policies
        .map(|(index, raw)| {
            raw.policy(catalog)
                .map_err(|error| PolicyError(format!("policy[{index}].{error}")))
        })
        .collect()
}

impl RawPolicy {
    fn policy(self, catalog: &Catalog) -> Result<Policy, String> {
        let share = |field: &str, amount: Option<Amount>| {
            let share = amount.map(|amount| parse_share(&amount.text()));
            share
                .transpose()
                .map_err(|error| format!("{field}: {error}"))
        };
        let bytes = self
            .max_lost_bytes
            .map(|amount| parse_bytes(&amount.text()));
        let forbid = self
            .forbid
            .iter()
            .map(|name| Forbidden::parse(name, catalog));
        let policy = Policy {
            process: self.process,
            min_hit_rate: share("min_hit_rate", self.min_hit_rate)?,
            max_lost_bytes: bytes
                .transpose()
                .map_err(|error| format!("max_lost_bytes: {error}"))?,
            max_lost_share: share("max_lost_share", self.max_lost_share)?,
            forbid: forbid
                .collect::<Result<_, _>>()
                .map_err(|error| format!("forbid: {error}"))?,
        };
        if policy.is_empty() {
            return Err("min_hit_rate: neither this nor another demand is there".to_owned());
        }
        Ok(policy)
    }
}

impl Forbidden {
    /// Reads the id of a rule of `catalog`, or a verdict.
    ///
    /// # Errors
    ///
    /// Where it is neither.
    pub fn parse(name: &str, catalog: &Catalog) -> Result<Self, String> {
        if let Some(rule) = catalog.get(name) {
            return Ok(Self::Rule(rule.id.to_string()));
        }
        parse_verdict(name).map(Self::Verdict).map_err(|_| {
            format!("`{name}` is neither a rule nor a verdict; `copytax explain` lists them")
        })
    }
}

/// Reads a share, such as `0.9` or `90%`.
///
/// # Errors
///
/// One sentence of what is wrong with it.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(percent) => (percent.trim(), 100.0),
        None => (text.trim(), 1.0),
    };
    let share = number.parse::<f64>().ok().map(|number| number / unit);
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share; write it like 0.9 or 90%"))
}

/// Reads a number of bytes, such as `4096`, `64KiB` or `1.5 GiB`; units of 1000 are `kB`, `MB`, `GB`.
///
/// # Errors
///
/// One sentence of what is wrong with it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 9] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("TiB", 1_099_511_627_776.0),
        ("kB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("B", 1.0),
    ];
    let trimmed = text.trim();
    let unit = UNITS
        .iter()
        .find_map(|(name, size)| Some((trimmed.strip_suffix(name)?, *size)));
    let (number, unit) = unit.unwrap_or((trimmed, 1.0));
    let bytes = number
        .trim()
        .parse::<f64>()
        .ok()
        .map(|number| number * unit);
    // Up to here each whole number has a double of its own.
    bytes
        .filter(|bytes| (0.0..=9_007_199_254_740_992.0).contains(bytes))
        .map(|bytes| bytes.round() as u64)
        .ok_or_else(|| format!("`{text}` is no number of bytes; write it like 4096, 64KiB or 10MB"))
}
