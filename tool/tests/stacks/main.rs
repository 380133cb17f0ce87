//! Stacks of real programs: that they reach the function that the thread began with, and that glibc,
//! asked inside of the program, finds the same return addresses.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod calls;
mod files;
mod go;
mod live;
mod load;
mod musl;
mod sampler;
mod servers;
mod steps;
mod symbols;
