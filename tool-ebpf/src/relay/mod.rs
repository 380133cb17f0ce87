//! The relay table: which user memory holds bytes that were read, and from where.
//!
//! A set-associative table. A read of up to [`CHUNK`] bytes is one entry (longer ones are several)
//! in the set of its first address' granule, so that an address is found with two look-ups: in its
//! own granule's set and in the one before. An entry keeps the interval of its bytes that were not
//! written yet; it shrinks as they are, and dies with the last one, with the next read into the
//! same memory, or when its content has changed.

mod again;
mod chosen;
mod evidence;
mod habit;
mod place;
mod remember;
mod spend;
mod table;

pub(crate) use again::{Place, Who, read_again, write_again};
pub(crate) use chosen::copied;
pub(crate) use habit::Habit;
pub(crate) use remember::{remember, remember_with_content};
pub(crate) use spend::{Found, Whole, relay_forget, spend, spend_whole};
pub(crate) use table::{CHUNK, Entry, Origin, Piece};
