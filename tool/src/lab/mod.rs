//! Workloads that move bytes in known ways, and what the ways cost here.

mod bench;
mod calibration;
mod client;
mod content;
mod ends;
mod mapping;
mod memory;
mod paths;
mod plan;
mod server;
mod shapes;
mod transports;
mod workload;

pub use calibration::{calibration_file, load_calibration, prepare_calibration};
pub use content::{memory_file, write_pattern};
pub use paths::Path;
pub use plan::Plan;
pub use shapes::Shape;
pub use transports::Transport;
pub use workload::{Role, WorkloadOptions, run};
