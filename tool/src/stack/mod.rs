//! Stacks of running programs, from addresses to names.

pub mod symbols;
