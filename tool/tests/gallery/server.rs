//! Servers that print the port that they listen on.

use std::process::Command;

use anyhow::Result;

use crate::form::{Expected, Form, Way};
use crate::support::children::Program;

/// Starts one.
pub(crate) fn start(
    name: String,
    command: &mut Command,
    load: fn(u16) -> Result<()>,
    runtime: (&'static str, &'static str),
    way: Way,
) -> Result<Form> {
    let (program, port) = Program::start_server(command)?;
    Ok(Form {
        name,
        pid: program.pid(),
        load: Box::new(move || load(port)),
        expected: Expected { runtime, way },
        _program: program,
    })
}
