//! Workloads that move bytes in known ways, and what the ways cost here.

mod awake;
mod bench;
mod calibration;
mod client;
mod clock;
mod cold;
mod content;
mod cycles;
mod ends;
mod line;
mod mapping;
mod memory;
mod network;
mod paths;
mod plan;
mod server;
mod shapes;
mod transports;
mod usage;
mod veth;
mod workload;

pub use awake::Awake;
pub use calibration::{calibration_file, load_calibration, prepare_calibration};
pub use content::{memory_file, write_pattern};
pub use paths::Path;
pub use plan::{Combination, Measured, Plan};
pub use shapes::Shape;
pub use transports::Transport;
pub use workload::{Role, WorkloadOptions, run};
