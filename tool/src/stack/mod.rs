//! Stacks of other processes: which code they were in, and which code called that.

pub mod elf;
pub mod maps;
pub mod module;
pub mod processes;
pub mod unwind;
