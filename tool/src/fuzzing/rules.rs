//! What people write: policies and rules.

use super::reports;
use crate::analysis::catalog::Catalog;
use crate::analysis::policy;
use crate::recording::fixture::after;

/// Reads a policy, and checks a server by it.
pub(super) fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match policy::parse(text, Catalog::builtin()) {
        Ok(policies) => reports::checks(&policies, after(3)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Policies with all that there is.
pub(super) fn policies() -> Vec<Vec<u8>> {
    let all = "[[policy]]\nprocess = \"s*v\"\nmin_hit_rate = 0.9\nmax_lost_bytes = \"1MiB\"\n\
               max_lost_share = \"5%\"\nforbid = [\"G1\", \"fixable\"]\n";
    vec![
        all.into(),
        b"policy = [{ min_hit_rate = \"90%\" }, { max_lost_bytes = 10 }]".into(),
    ]
}

/// Reads a rule, prints it, and looks for what it is about in what a server does.
pub(super) fn rule(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Catalog::default().with(&[("x.toml", text)]) {
        Ok(catalog) => reports::rules(&catalog, after(3)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The rules of the tool.
pub(super) fn rules() -> Vec<Vec<u8>> {
    let files = crate::analysis::catalog::FILES.iter();
    files.map(|(_, text)| text.as_bytes().to_vec()).collect()
}
