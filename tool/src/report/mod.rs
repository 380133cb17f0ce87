//! What people and programs read: text, pages, JSON, flame graphs, folded stacks, pprof profiles and
//! Parquet tables.

pub mod check;
pub mod csv;
mod escape;
pub mod flamegraph;
pub mod folded;
mod graph;
pub mod html;
pub mod json;
pub(crate) mod metrics;
mod names;
pub(crate) mod openmetrics;
pub mod parquet;
pub mod pprof;
mod recorded;
mod sort;
pub mod text;
mod units;

#[cfg(test)]
mod fixture;

pub(crate) use escape::{escape, truncate, width};
pub use graph::{GraphOptions, Only, Sampled, Side, Weight};
pub(crate) use names::errno;
pub use recorded::Recorded;
pub use sort::{SortKey, UnknownSortKey};
pub use text::TextOptions;
pub(crate) use text::{endpoints, how};
pub use units::{bytes, counted};
pub(crate) use units::{count, duration, hit_rate};
