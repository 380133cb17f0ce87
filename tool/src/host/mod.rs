//! Facts of the host: /proc, cgroups, containers, privileges.
