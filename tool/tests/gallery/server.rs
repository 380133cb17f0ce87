//! Servers that print the port that they listen on, and, where another process answers, its pid behind it.

use std::process::Command;

use anyhow::{Context as _, Result};

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
    let (program, line) = Program::start_speaking(command)?;
    let mut words = line.split(' ');
    let port = words.next().and_then(|word| word.parse().ok());
    let port = port.with_context(|| format!("{name} printed {line:?}, not a port"))?;
    let pid = words.next().map_or(Ok(program.pid()), str::parse)?;
    Ok(Form {
        name,
        pid,
        load: Box::new(move || load(port)),
        expected: Expected { runtime, way },
        _program: program,
    })
}
