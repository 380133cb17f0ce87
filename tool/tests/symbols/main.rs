//! Names of code, compared with what the programs themselves say of it.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod damaged;
mod go;
mod jit;
mod kernel;
mod native;
