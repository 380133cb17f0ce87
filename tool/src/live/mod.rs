//! The live view: what moves bytes now, process by process.
//!
//! A look at the counters comes once a step. [`Step`] is what came since the look before, as an audit of its
//! own; [`State`] is what is on the screen, and changes by steps and keys alone; [`view`] draws it. Only
//! [`terminal`] and [`session`] touch the terminal.

mod column;
mod detail;
mod freeze;
mod keys;
mod row;
mod session;
mod state;
mod step;
mod terminal;
mod theme;
mod units;
pub mod view;

pub use column::Column;
pub use detail::Detail;
pub use freeze::Kept;
pub use keys::{Action, Mode};
pub use row::Row;
pub use session::{Diagnose, Message, Session, run};
pub use state::State;
pub use step::Step;
pub use terminal::leave as leave_terminal;
pub use theme::Colors;
pub use units::Units;

#[cfg(test)]
mod tests;
