//! `copytax man`

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap_mangen::Man;

use super::failure::{Failure, escape};
use super::stdout;

/// Print the manual pages
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: copytax man | man -l -")]
pub(crate) struct Args {
    /// Write one file a page into this directory instead
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes them.
pub(crate) fn run(args: &Args, command: clap::Command) -> Result<ExitCode, Failure> {
    let pages = pages(command).map_err(|error| Failure::io("cannot make the pages", &error))?;
    match &args.out {
        None => stdout::print(|out| pages.iter().try_for_each(|page| out.write_all(&page.roff)))?,
        Some(directory) => {
            let failed = |path: &PathBuf, error: io::Error| {
                Failure::io(
                    &format!("cannot write {}", escape(&path.to_string_lossy())),
                    &error,
                )
            };
            std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
            for page in &pages {
                let path = directory.join(&page.file_name);
                std::fs::write(&path, &page.roff).map_err(|error| failed(&path, error))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

struct Page {
    file_name: String,
    roff: Vec<u8>,
}

/// The page of the command, then those of its subcommands that are not hidden.
fn pages(command: clap::Command) -> io::Result<Vec<Page>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let subcommands = command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set());
    [command.clone()]
        .into_iter()
        .chain(subcommands.cloned())
        .map(page)
        .collect()
}

fn page(command: clap::Command) -> io::Result<Page> {
    let man = Man::new(command);
    let mut roff = Vec::new();
    man.render(&mut roff)?;
    Ok(Page {
        file_name: man.get_filename(),
        roff,
    })
}
