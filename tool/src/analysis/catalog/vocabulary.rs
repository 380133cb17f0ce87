//! Words of rules that stand for a value of the accounting.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::model::{Class, EndpointKind, Mechanism, Sharing, Verdict};

/// Runtimes that rules are written for, by the names of their recognition.
pub const RUNTIMES: &[&str] = &[
    "go", "jvm", "node", "cpython", "ruby", "php", "dotnet", "nginx", "haproxy", "apache",
    "lighttpd", "envoy", "rust", "c", "c++",
];

/// A type with a fixed set of named values.
pub(super) trait Vocabulary: Copy + 'static {
    /// What one of them is called in a message.
    const WHAT: &'static str;
    /// All that a rule may name.
    fn words() -> Vec<(&'static str, Self)>;
}

macro_rules! vocabulary {
    ($($type:ty, $what:literal;)+) => {$(
        impl Vocabulary for $type {
            const WHAT: &'static str = $what;
            fn words() -> Vec<(&'static str, Self)> {
                <$type>::ALL.iter().map(|&value| (value.name(), value)).collect()
            }
        }
    )+};
}

vocabulary! {
    Class, "class";
    EndpointKind, "endpoint kind";
    Mechanism, "mechanism";
    Sharing, "sharing reason";
}

impl Vocabulary for Verdict {
    const WHAT: &'static str = "verdict";

    /// A rule knows.
    fn words() -> Vec<(&'static str, Self)> {
        let known = Self::ALL
            .iter()
            .filter(|&&verdict| verdict != Self::Unknown);
        known.map(|&verdict| (verdict.name(), verdict)).collect()
    }
}

/// The name of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RuntimeWord(pub(super) &'static str);

impl Vocabulary for RuntimeWord {
    const WHAT: &'static str = "runtime";

    fn words() -> Vec<(&'static str, Self)> {
        RUNTIMES.iter().map(|&name| (name, Self(name))).collect()
    }
}

/// A value that is written as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<T>(pub(super) T);

impl<'de, T: Vocabulary> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words<T>(PhantomData<T>);

        impl<T: Vocabulary> Visitor<'_> for Words<T> {
            type Value = Word<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the name of a {}", T::WHAT)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let words = T::words();
                let found = words.iter().find(|(name, _)| *name == text);
                found.map(|&(_, value)| Word(value)).ok_or_else(|| {
                    let names: Vec<&str> = words.iter().map(|&(name, _)| name).collect();
                    E::custom(format_args!(
                        "there is no {} `{text}`; there are {}",
                        T::WHAT,
                        names.join(", ")
                    ))
                })
            }
        }

        deserializer.deserialize_str(Words(PhantomData))
    }
}

/// The values of words.
pub(super) fn values<T>(words: Vec<Word<T>>) -> Vec<T> {
    words.into_iter().map(|Word(value)| value).collect()
}
