//! `copytax serve`: what it tells is what was moved, whoever asks and however.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod access;
mod containerd;
mod kubernetes;
mod metrics;
mod otlp;
mod pprof;
mod prometheus;
mod receiver;
mod serving;
mod traffic;
mod unit;
