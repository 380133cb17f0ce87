//! Pure decisions over a snapshot: hit rates, lost bytes, totals. No I/O.

mod audit;
pub mod doctor;
mod kernel_path;
mod tally;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

pub use audit::{audit, hit_rate};
pub use kernel_path::{KernelPath, kernel_path};
