//! Pure decisions over a snapshot: hit rates, lost bytes, totals. No I/O.

mod alike;
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
pub mod fleet;
mod frames;
pub mod groups;
mod kernel_path;
pub mod lab;
mod moments;
pub mod policy;
mod possible;
mod route;
mod savings;
mod shares;
mod tally;
mod transfers;

#[cfg(any(test, fuzzing))]
#[cfg_attr(
    fuzzing,
    expect(dead_code, reason = "more of it than seeds is for tests")
)]
pub(crate) mod fixture;
#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;

pub use alike::MatchBy;
pub use audit::{audit, hit_rate};
pub use calibrate::{Sites, Totals, calibrate};
pub use cpu::{CpuTime, SyscallFamily, cpu_estimate, cpu_times};
pub use culprit::{Culprit, Place, culprit};
pub use frames::{Role, file_name, frame_name, role};
pub use kernel_path::{KernelPath, NoPath};
pub use moments::{Looks, moments, moments_by_process, written_by};
pub use possible::possible_classes;
pub use route::{Direction, Route, route};
pub use savings::{Savings, savings};
pub use shares::{CulpritShare, culprits, is_of_flow, share};
pub use transfers::{Transfers, transfers, typical_size_by_bytes};
