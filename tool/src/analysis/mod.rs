//! Pure decisions over a snapshot: hit rates, lost bytes, totals. No I/O.

mod audit;
pub mod catalog;
mod compression;
pub mod diagnosis;
pub mod doctor;
mod fallback;
mod kernel_path;
mod possible;
mod route;
mod tally;
mod transfers;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

pub use audit::{audit, hit_rate};
pub use kernel_path::{KernelPath, NoPath};
pub use possible::possible_classes;
pub use route::{Direction, Route, route};
pub use transfers::{Transfers, transfers, typical_size_by_bytes};
