//! Recordings: what was counted and sampled, step by step, in one SQLite file that people can query
//! themselves. `docs/recording.md` describes it.
//!
//! A recording is written from the snapshots of a capture that goes on, each of which has everything so
//! far, and yields such a snapshot again: live and recorded counts go through the same analysis.

mod checksum;
mod counts;
mod create;
mod error;
mod names;
mod reader;
mod redact;
mod schema;
mod series;
mod since;
#[cfg(test)]
mod tests;
mod writer;

pub use error::RecordingError;
pub use reader::{Recording, Selection};
pub use redact::Redactor;
pub use schema::{APPLICATION_ID, SCHEMA, VERSION};
pub(crate) use since::since;
pub use writer::{RecordingOptions, Summary, Writer};
