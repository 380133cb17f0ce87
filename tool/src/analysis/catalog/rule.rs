//! One known way to lose the fast path.

use std::sync::Arc;

use serde::Deserialize;

use crate::analysis::catalog::text::{Id, Lines, Prose, Reference};
use crate::analysis::catalog::vocabulary::{RuntimeWord, Word};
use crate::analysis::catalog::{Conditions, VersionRange};
use crate::model::Verdict;

/// An entry of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which stays.
    pub id: Arc<str>,
    /// The runtime that it is about; `None` where it is about the kernel or any program.
    pub runtime: Option<Arc<str>>,
    /// Versions of the runtime that have it; `None` where all do.
    pub versions: Option<VersionRange>,
    /// What to make of it.
    pub verdict: Verdict,
    /// It in a few words.
    pub title: Arc<str>,
    /// How it shows.
    pub symptom: Arc<str>,
    /// Why it happens.
    pub cause: Arc<str>,
    /// What to do, in a sentence or two.
    pub fix: Arc<str>,
    /// Code or configuration that does it.
    pub example: Option<Arc<str>>,
    /// How to see that it is mended.
    pub healthy: Option<Arc<str>>,
    /// When not to do it.
    pub caution: Option<Arc<str>>,
    /// Where to read more.
    pub references: Vec<Arc<str>>,
    /// Tests and programs that show it.
    pub proved_by: Vec<Arc<str>>,
    /// Why none does.
    pub unproved: Option<Arc<str>>,
    /// Bytes from which on a transfer is no longer too small, where that is less than elsewhere: the
    /// program writes bytes of its own between those of a file, so transfers look shorter than they are.
    pub too_small_below: Option<u64>,
    /// It applies where one of these does.
    pub conditions: Vec<Conditions>,
}

/// A rule as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    id: Id,
    runtime: Option<Word<RuntimeWord>>,
    versions: Option<VersionRange>,
    verdict: Word<Verdict>,
    title: Prose,
    symptom: Prose,
    cause: Prose,
    fix: Prose,
    example: Option<Lines>,
    healthy: Option<Prose>,
    caution: Option<Prose>,
    #[serde(default)]
    references: Vec<Reference>,
    #[serde(default)]
    proved_by: Vec<Prose>,
    unproved: Option<Prose>,
    too_small_below: Option<u64>,
    #[serde(rename = "match")]
    conditions: Vec<Conditions>,
}

/// Titles are table cells.
const LONGEST_TITLE: usize = 72;

/// A field that is wrong for a reason that others take part in, and the reason.
pub(super) struct WrongField(pub(super) &'static str, pub(super) String);

impl TryFrom<RawRule> for Rule {
    type Error = WrongField;

    fn try_from(raw: RawRule) -> Result<Self, Self::Error> {
        if raw.conditions.is_empty() {
            let message = "it is empty: the rule would apply to nothing";
            return Err(WrongField("match", message.to_owned()));
        }
        if raw.versions.is_some() && raw.runtime.is_none() {
            let message = "versions of what? There is no `runtime`";
            return Err(WrongField("versions", message.to_owned()));
        }
        if raw.unproved.is_some() && !raw.proved_by.is_empty() {
            let message = "`proved_by` says what proves it";
            return Err(WrongField("unproved", message.to_owned()));
        }
        if raw.title.0.chars().count() > LONGEST_TITLE {
            let message = format!("it is longer than {LONGEST_TITLE} characters");
            return Err(WrongField("title", message));
        }
        Ok(Self {
            id: raw.id.0,
            runtime: raw.runtime.map(|Word(RuntimeWord(name))| name.into()),
            versions: raw.versions,
            verdict: raw.verdict.0,
            title: raw.title.0,
            symptom: raw.symptom.0,
            cause: raw.cause.0,
            fix: raw.fix.0,
            example: raw.example.map(|lines| lines.0),
            healthy: raw.healthy.map(|text| text.0),
            caution: raw.caution.map(|text| text.0),
            references: raw.references.into_iter().map(|text| text.0).collect(),
            proved_by: raw.proved_by.into_iter().map(|text| text.0).collect(),
            unproved: raw.unproved.map(|text| text.0),
            too_small_below: raw.too_small_below,
            conditions: raw.conditions,
        })
    }
}
