//! From files to a catalog. Reading them is left to others.

use std::fmt;
use std::sync::LazyLock;

use thiserror::Error;

use crate::analysis::catalog::Rule;
use crate::analysis::catalog::embedded::FILES;
use crate::analysis::catalog::rule::{RawRule, WrongField};

/// Rules, each with an id of its own, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    rules: Vec<Rule>,
}

impl Catalog {
    /// The rules that the tool comes with.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::default()
                .with(FILES)
                .expect("the embedded rules are good: a test loads them")
        });
        &BUILTIN
    }

    /// With the rules of `files`, given by name and content; they take the place of those with the
    /// same id, whatever the case of its letters.
    ///
    /// # Errors
    ///
    /// The first file that is no rule, or has the id of another of `files`.
    pub fn with(&self, files: &[(&str, &str)]) -> Result<Self, RuleError> {
        let mut rules: Vec<(&str, Rule)> = Vec::new();
        for &(file, text) in files {
            let rule = parse(file, text)?;
            let twin = rules
                .iter()
                .find(|(_, other)| other.id.eq_ignore_ascii_case(&rule.id));
            if let Some((other, _)) = twin {
                return Err(RuleError {
                    file: file.to_owned(),
                    line: line_of(text, "id"),
                    field: Some("id".to_owned()),
                    message: format!("{} is the id of {other}, too", rule.id),
                });
            }
            rules.push((file, rule));
        }
        let is_kept = |rule: &&Rule| {
            let mut new = rules.iter();
            !new.any(|(_, new)| new.id.eq_ignore_ascii_case(&rule.id))
        };
        let mut all: Vec<Rule> = self.rules.iter().filter(is_kept).cloned().collect();
        all.extend(rules.into_iter().map(|(_, rule)| rule));
        all.sort_by(|a, b| order(&a.id).cmp(&order(&b.id)));
        Ok(Self { rules: all })
    }

    /// All of them, in the order of their ids.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of that id, whatever the case of its letters.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Rule> {
        let mut rules = self.rules.iter();
        rules.find(|rule| rule.id.eq_ignore_ascii_case(id))
    }
}

/// G2 comes before G10.
fn order(id: &str) -> (&str, Option<u64>, &str) {
    let name = id.trim_end_matches(|c: char| c.is_ascii_digit());
    (name, id[name.len()..].parse().ok(), id)
}

/// Why a file is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct RuleError {
    /// The file, as it was named.
    pub file: String,
    /// The line, the first being 1.
    pub line: Option<usize>,
    /// The field, such as `match[0].write.has[1]`; `None` where it is the file as a whole.
    pub field: Option<String>,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Reads the rule that `text`, the content of `file`, is.
///
/// # Errors
///
/// The first thing that is wrong with it.
pub fn parse(file: &str, text: &str) -> Result<Rule, RuleError> {
    let located = |error: &toml::de::Error, field: Option<String>| RuleError {
        file: file.to_owned(),
        line: error.span().map(|span| line_at(text, span.start)),
        field,
        message: error.message().replace('\n', "; "),
    };
    let deserializer = toml::Deserializer::parse(text).map_err(|error| located(&error, None))?;
    let raw: RawRule = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        // The path of the whole is a dot.
        let field = Some(path).filter(|path| path != ".");
        located(error.inner(), field)
    })?;
    Rule::try_from(raw).map_err(|WrongField(field, message)| RuleError {
        file: file.to_owned(),
        line: line_of(text, field),
        field: Some(field.to_owned()),
        message,
    })
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

/// The line that a field of the rule is assigned in.
fn line_of(text: &str, field: &str) -> Option<usize> {
    let mut lines = text.lines();
    let is_field = |line: &str| {
        let rest = line.trim_start().strip_prefix(field);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    lines.position(is_field).map(|index| index + 1)
}
