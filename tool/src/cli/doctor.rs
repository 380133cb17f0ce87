//! `copytax doctor`

mod json;
mod network;
mod text;

use std::io::Write as _;
use std::process::ExitCode;

use super::failure::{CANNOT, Failure};
use super::stdout;
use super::terminal::{self, ColorChoice};
use crate::analysis::doctor::examine;
use crate::host::facts::{Facts, ProbeResult};

/// What this kernel and these privileges allow, and what to do about it
///
/// Exit status: 0 where an audit can run, 2 where it cannot.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON (schema copytax.doctor/1) with all facts
    #[arg(long)]
    json: bool,
}

/// Looks, and prints what it finds. `probes` really tries what an audit needs.
pub(crate) fn run(
    args: &Args,
    color: ColorChoice,
    probes: impl FnOnce() -> Vec<ProbeResult>,
) -> Result<ExitCode, Failure> {
    let facts = Facts::collect(probes());
    let diagnosis = examine(&facts);
    let result = if args.json {
        json::render(&facts, &diagnosis)
            .map_err(|error| Failure::usage(format!("cannot make the JSON: {error}")))?
    } else {
        text::render(
            &facts,
            &diagnosis,
            terminal::width(),
            color.applies_to_stdout(),
        )
    };
    stdout::print(|out| out.write_all(result.as_bytes()))?;
    Ok(if diagnosis.engines.is_empty() {
        ExitCode::from(CANNOT)
    } else {
        ExitCode::SUCCESS
    })
}
