//! The catalog of known ways to lose the fast path: data files in `tool/rules/`, and those of users.

mod bounds;
mod conditions;
mod describe;
mod embedded;
mod errno;
mod frames;
mod glob;
mod load;
mod rule;
mod search;
mod text;
mod version;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use bounds::Bounds;
pub use conditions::{Conditions, Refusal};
pub use describe::describe;
#[cfg(any(test, fuzzing))]
pub(crate) use embedded::FILES;
pub use frames::{FrameMatch, Frames};
pub use glob::Glob;
pub use load::{Catalog, RuleError, parse};
pub use rule::Rule;
pub use search::{nearest, search};
pub use version::{Version, VersionRange};
pub use vocabulary::RUNTIMES;
