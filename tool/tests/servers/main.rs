//! Real servers and other real programs, watched by the real tool on the running kernel.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod go;
mod mappings;
mod nginx;
mod python;
mod roles;
mod scale;
mod witness;
mod workload;
