//! What the benchmarks share.

pub(crate) mod document;
pub(crate) mod statistics;
