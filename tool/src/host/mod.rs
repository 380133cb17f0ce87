//! Facts of the host: /proc, cgroups, containers, privileges.
pub mod kernel;
