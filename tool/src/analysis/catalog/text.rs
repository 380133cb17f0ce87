//! Texts of rules.

use std::sync::Arc;

use serde::Deserialize;

/// One line, whatever lines the file has it in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Prose(pub(super) Arc<str>);

impl TryFrom<String> for Prose {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            return Err("it is empty");
        }
        Ok(Self(words.join(" ").into()))
    }
}

/// Lines as they are, without empty ones around them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Lines(pub(super) Arc<str>);

impl TryFrom<String> for Lines {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim_matches('\n').trim_end();
        if text.is_empty() {
            return Err("it is empty");
        }
        Ok(Self(text.into()))
    }
}

/// The id of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Id(pub(super) Arc<str>);

const LONGEST_ID: usize = 32;

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= LONGEST_ID
            && text.chars().all(is_fit)
        {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "an id is a letter and then letters, digits, - and _, at most {LONGEST_ID} in all"
        ))
    }
}

/// Where to read more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Reference(pub(super) Arc<str>);

impl TryFrom<String> for Reference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_fit = text.starts_with("https://") || text.starts_with("http://");
        if !is_fit || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("a reference is an address that begins with https:// or http://");
        }
        Ok(Self(text.into()))
    }
}
