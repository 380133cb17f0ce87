//! Real servers and other real programs, watched by the real tool on the running kernel.

#[path = "../support/mod.rs"]
mod support;

mod go;
mod nginx;
mod python;
mod scale;
mod witness;
mod workload;
