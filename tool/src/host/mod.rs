//! Facts of the host: /proc, cgroups, containers, privileges. Nothing is decided here.

pub mod af_xdp;
pub mod cgroups;
mod congestion;
pub mod container;
pub mod cri;
pub mod facts;
pub mod family;
pub mod kernel;
pub(crate) mod mounts;
pub mod network;
pub mod own;
pub mod privileges;
pub mod processes;
mod processor;
pub mod runtime;

pub use congestion::congestion_control;
pub use processor::processor;
