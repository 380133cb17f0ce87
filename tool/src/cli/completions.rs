//! `copytax completions`

use std::io::Write as _;
use std::process::ExitCode;

use clap_complete::Shell;

use super::failure::Failure;
use super::stdout;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: copytax completions bash > /etc/bash_completion.d/copytax")]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

/// Prints them.
pub(crate) fn run(args: &Args, mut command: clap::Command) -> Result<ExitCode, Failure> {
    // The generator panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    stdout::print(|out| out.write_all(&script))?;
    Ok(ExitCode::SUCCESS)
}
