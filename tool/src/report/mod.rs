//! What people and programs read: text and JSON.

mod escape;
pub mod json;
mod names;
mod sort;
pub mod text;
mod units;

#[cfg(test)]
mod fixture;

pub use sort::{SortKey, UnknownSortKey};
pub use text::TextOptions;
