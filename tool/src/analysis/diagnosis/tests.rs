//! Findings of made-up processes.

mod filter;
mod findings;
mod go;
mod kernel;
mod managed;
mod precision;
mod scene;
mod servers;
mod table;
