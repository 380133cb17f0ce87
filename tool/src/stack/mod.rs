//! Stacks of other processes: which code they were in, which code called that, and what it is called.

pub mod elf;
pub mod maps;
pub mod module;
mod processes;
pub mod symbols;
pub mod unwind;
