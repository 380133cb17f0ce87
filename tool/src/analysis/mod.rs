//! Pure decisions over a snapshot: hit rates, lost bytes, totals. No I/O.

mod audit;
mod calibrate;
pub mod catalog;
pub mod comparison;
mod compression;
mod cpu;
mod culprit;
pub mod diagnosis;
pub mod doctor;
mod fallback;
mod frames;
pub mod groups;
mod kernel_path;
pub mod lab;
pub mod policy;
mod possible;
mod route;
mod shares;
mod tally;
mod transfers;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

pub use audit::{audit, hit_rate};
pub use calibrate::{Sites, Totals, calibrate};
pub use cpu::{CpuTime, SyscallFamily, cpu_estimate, cpu_times};
pub use culprit::{Culprit, Place, culprit};
pub use frames::{Role, file_name, frame_name, role};
pub use kernel_path::{KernelPath, NoPath};
pub use possible::possible_classes;
pub use route::{Direction, Route, route};
pub use shares::{CulpritShare, culprits, is_of_flow, share};
pub use transfers::{Transfers, transfers, typical_size_by_bytes};
