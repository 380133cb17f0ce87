//! Recordings by the real tool, on the running kernel.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod files;
mod full_disk;
mod go_test;
mod killed;
mod noise;
mod regression;
mod replay;
mod tool;
