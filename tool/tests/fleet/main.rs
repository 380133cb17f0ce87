//! Recordings of 24 machines, which the real tool merges and exports.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod export;
mod hosts;
mod merge;
mod stacks;
mod tool;
