//! What people and programs read: text, JSON, flame graphs, folded stacks and pprof profiles.

pub mod check;
pub mod csv;
mod escape;
pub mod flamegraph;
pub mod folded;
mod graph;
pub mod json;
mod names;
pub mod openmetrics;
pub mod pprof;
mod sort;
pub mod text;
mod units;

#[cfg(test)]
mod fixture;

pub use graph::{GraphOptions, Only, Sampled, Side, Weight};
pub use sort::{SortKey, UnknownSortKey};
pub use text::TextOptions;
pub use units::{bytes, counted};
