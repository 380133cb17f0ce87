//! Recordings: what was counted and sampled, step by step, in one SQLite file that people can query
//! themselves. `docs/recording.md` describes it.
//!
//! A recording is written from the snapshots of a capture that goes on, each of which has everything so
//! far, and yields such a snapshot again: live and recorded counts go through the same analysis.

mod checksum;
mod counts;
mod create;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fixture;
mod names;
mod reader;
mod redact;
mod schema;
mod series;
mod since;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(any(test, fuzzing))]
pub(crate) use checksum::reseal;
pub use error::RecordingError;
pub use reader::{Recording, Selection, is_recording};
pub use redact::Redactor;
#[cfg(any(test, fuzzing))]
pub(crate) use schema::tables;
pub use schema::{APPLICATION_ID, SCHEMA, VERSION};
#[cfg(any(test, fuzzing))]
pub(crate) use series::{decode as decode_series, encode as encode_series};
pub(crate) use since::since;
pub use writer::{RecordingOptions, Summary, Writer};
