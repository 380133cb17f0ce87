//! Sampling of call sites by bytes: each byte is chosen with the same probability, and what chose one is
//! recorded with its stack.
//!
//! Bytes that are read are chosen when they are read, and recorded again if they are written unmodified
//! (`relay/chosen.rs`); other bytes are chosen when they are written. Deep down in a call a chosen byte
//! is only noted, since chains of calls have little stack: [`send`] makes records at the call's end.
//!
//! A piece of n bytes is chosen with probability 1 - exp(-n / interval), whatever the interval has been
//! before: a distance that is drawn anew, or what is left of one, is distributed like a whole one.

mod countdown;
mod cpu;
mod current;
mod file;
mod record;
mod thread;

pub(crate) use cpu::on_tick;
pub(crate) use current::{
    Caller, Chosen, begin, choose, chosen_now, flow, lot, note_bounce, set_source,
};
pub(crate) use record::send;

use crate::layout::sampling;

/// Whether anything is sampled. The verifier knows, and removes what is not reached otherwise.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    sampling!(samples_per_second) != 0
}
