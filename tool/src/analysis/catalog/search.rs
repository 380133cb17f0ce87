//! Finding a rule by words, or by an id that was mistyped.

use crate::analysis::catalog::{Catalog, Rule};

/// Rules whose id, runtime, verdict or title has all of `words`, whatever the case of letters.
#[must_use]
pub fn search<'a>(catalog: &'a Catalog, words: &[String]) -> Vec<&'a Rule> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let has_all = |rule: &&Rule| {
        let runtime = rule.runtime.as_deref().unwrap_or_default();
        let text = format!(
            "{} {runtime} {} {}",
            rule.id,
            rule.verdict.name(),
            rule.title
        );
        let text = text.to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    catalog.rules().iter().filter(has_all).collect()
}

/// Ids offered for one that there is not.
const OFFERED: usize = 3;

/// The ids nearest to `id`, nearest first; none that has nothing to do with it.
#[must_use]
pub fn nearest<'a>(catalog: &'a Catalog, id: &str) -> Vec<&'a str> {
    let wanted = id.to_lowercase();
    let mut ids: Vec<(f64, &str)> = catalog
        .rules()
        .iter()
        .map(|rule| {
            let likeness = strsim::jaro_winkler(&wanted, &rule.id.to_lowercase());
            (likeness, &*rule.id)
        })
        .filter(|(likeness, _)| *likeness > 0.7)
        .collect();
    // Stable: equally near ones stay in the order of the catalog.
    ids.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    ids.into_iter().map(|(_, id)| id).take(OFFERED).collect()
}
