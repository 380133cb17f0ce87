//! The gallery: real programs, each in a form that is on the fast path and in those that have lost it,
//! under a load of known size. One file a runtime; what the programs run is in the folders beside.

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod apache;
mod c;
mod content;
mod envoy;
mod form;
mod go;
mod haproxy;
mod java;
mod lighttpd;
mod load;
mod nginx;
mod node;
mod python;
mod rust;
mod server;
mod upstream;

/// Where the sources of the programs are.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gallery");
