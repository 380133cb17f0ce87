//! copytax: which bytes of running servers move by zero-copy paths, and which bounce through
//! userspace although the kernel could have moved them.
//!
//! Data flows one way: kernel, `probe`, `capture`, `analysis`, `report`. `ARCHITECTURE.md` in the
//! repository is the map.

pub mod analysis;
pub mod capture;
pub mod cli;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod host;
pub mod lab;
pub mod live;
pub mod model;
pub mod probe;
pub mod recording;
pub mod report;
mod serve;
pub mod stack;
