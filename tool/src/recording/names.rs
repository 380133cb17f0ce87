//! Names that stand for values in a recording.

use crate::model::{Engine, Language, SiteKind, StackEnd};

/// The value of this name; `None` where there is none.
pub(super) fn by_name<T: Copy>(
    all: &[T],
    name: impl Fn(T) -> &'static str,
    text: &str,
) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == text)
}

pub(super) const ENGINES: &[Engine] = &[Engine::Raw, Engine::Tracepoint];

pub(super) const ENDS: &[StackEnd] = &[StackEnd::Entry, StackEnd::Cut, StackEnd::Broken];

pub(super) const LANGUAGES: &[Language] = &[
    Language::Kernel,
    Language::Go,
    Language::Jit,
    Language::Native,
];

pub(super) const fn site_kind(kind: SiteKind) -> &'static str {
    match kind {
        SiteKind::Bounced => "bounced",
        SiteKind::ZeroCopy => "zero_copy",
        SiteKind::Other => "other",
    }
}

pub(super) const fn end(end: StackEnd) -> &'static str {
    match end {
        StackEnd::Entry => "entry",
        StackEnd::Cut => "cut",
        StackEnd::Broken => "broken",
    }
}

pub(super) const fn language(language: Language) -> &'static str {
    match language {
        Language::Kernel => "kernel",
        Language::Go => "go",
        Language::Jit => "jit",
        Language::Native => "native",
    }
}
