//! Workloads that move bytes in known ways.

mod client;
mod content;
mod mapping;
mod server;
mod shapes;
mod workload;

pub use content::{memory_file, write_pattern};
pub use shapes::Shape;
pub use workload::{Role, WorkloadOptions, run};
