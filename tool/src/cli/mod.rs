//! Arguments to validated settings, one file a subcommand.

mod audit;
mod check;
mod completions;
mod diagnosis;
mod diff;
mod doctor;
mod duration;
mod egress;
mod engine;
mod explain;
mod export;
mod failure;
mod flamegraph;
mod fleet;
mod lab;
mod listing;
mod live;
mod log;
mod man;
mod merge;
mod output;
mod page;
mod progress;
mod push;
mod record;
mod report;
mod rules;
mod samples;
mod serve;
mod signals;
mod stdout;
mod target;
mod terminal;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use failure::Failure;
use terminal::ColorChoice;

use crate::{lab as workloads, probe};

/// Widest help text.
const HELP_COLUMNS: usize = 80;

const EXAMPLES: &str = "\
Examples:
  copytax audit                      the whole machine, for 10 seconds
  copytax audit -p 4711 -d 1m        one process, for a minute
  copytax audit --comm nginx --json  every nginx, for scripts
  copytax audit -- CMD ARGS          a command, from its first call to its end
  copytax top                        who moves bytes right now, live
  copytax record -d 1h -o day.ctx    keeps everything for later
  copytax report day.ctx --from 10m  the audit of a recording, or of a part
  copytax report day.ctx --format html -o x.html  the same as a page
  copytax diff before.ctx after.ctx  what changed, beyond noise
  copytax merge fleet/*.ctx          which service pays most, of many machines
  copytax export fleet/*.ctx -o DIR  tables for DuckDB, ClickHouse, Spark, Trino
  copytax check --min-hit-rate 0.9 -- go test ./...  for CI
  copytax serve                      metrics for Prometheus, at :9464
  copytax flamegraph -p 4711 -o x.svg  who moves the bytes, as a picture
  copytax explain G1                 a finding's cause and fix
  copytax lab                        what each way of moving bytes costs here
  copytax doctor                     what works here, and what to mend

Exit status: 0 done; 1 a finding that --fail-on asks for; 2 usage, privileges,
or a machine that cannot do it; 128+n ended by signal n. The result goes to
stdout, progress and log to stderr.";

/// Which bytes of your servers move by zero-copy paths (sendfile, splice, ...), and which bounce
/// through userspace although the kernel could have moved them.
///
/// Attaches to running processes: nothing is restarted, recompiled or injected.
#[derive(Debug, Parser)]
#[command(name = "copytax", version, max_term_width = HELP_COLUMNS, after_help = EXAMPLES)]
#[command(arg_required_else_help = true, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more on stderr; twice for details, three times for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Whether to colour the output; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(Box<audit::Args>),
    Top(Box<top::Args>),
    Record(Box<record::Args>),
    Report(Box<report::Args>),
    Flamegraph(Box<flamegraph::Args>),
    Diff(Box<diff::Args>),
    Merge(Box<merge::Args>),
    Export(Box<export::Args>),
    Check(Box<check::Args>),
    Serve(Box<serve::Args>),
    Explain(explain::Args),
    Lab(lab::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
    /// The embedded workload of the demo
    #[command(hide = true)]
    Workload(workloads::WorkloadOptions),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Where even this cannot be written there is nobody to tell.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    log::init(cli.verbose, cli.color);
    run(&cli).unwrap_or_else(|failure| failure.report())
}

fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    match &cli.command {
        Command::Audit(args) => audit::run(args, cli.color),
        Command::Top(args) => top::run(args, cli.color),
        Command::Record(args) => record::run(args),
        Command::Report(args) => report::run(args, cli.color),
        Command::Flamegraph(args) => flamegraph::run(args),
        Command::Diff(args) => diff::run(args, cli.color),
        Command::Merge(args) => merge::run(args, cli.color),
        Command::Export(args) => export::run(args),
        Command::Check(args) => check::run(args, cli.color),
        Command::Serve(args) => serve::run(args),
        Command::Explain(args) => explain::run(args, cli.color),
        Command::Lab(args) => lab::run(args, cli.color),
        Command::Doctor(args) => doctor::run(args, cli.color, probe::trials),
        Command::Completions(args) => completions::run(args, Cli::command()),
        Command::Man(args) => man::run(args, Cli::command()),
        Command::Workload(options) => workloads::run(options)
            .map(|()| ExitCode::SUCCESS)
            .map_err(|error| Failure::io("workload", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
