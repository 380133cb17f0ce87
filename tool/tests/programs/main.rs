//! Programs that people run, in the ways in which each moves bytes, watched by the real tool on the
//! running kernel and compared with what they moved.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod compat;
mod compiler;
mod cp;
mod dd;
mod haproxy;
mod namespaces;
mod netcat;
mod openssl;
mod python;
mod sink;
mod sources;
mod uring;
mod watched;
mod ways;
mod zerocopy;
