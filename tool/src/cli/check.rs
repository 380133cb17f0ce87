//! `copytax check`

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use super::diagnosis::DiagnosisArgs;
use super::engine::EngineArgs;
use super::failure::Failure;
use super::output::Output;
use super::report::RecordedArgs;
use super::terminal::{self, ColorChoice};
use super::{duration, live, rules, stdout};
use crate::analysis::catalog::{Catalog, Glob};
use crate::analysis::policy::{self, Check, Forbidden, Policy, evaluate, parse_bytes, parse_share};
use crate::capture::{Profiling, Settings, Target};
use crate::model::{Audit, Snapshot};
use crate::report::check as report;

/// Where policies are looked for.
const POLICY_FILE: &str = "copytax.toml";

/// Whether the fast path is still taken: for continuous integration
///
/// Checks a recording, or runs a command and checks what it and its children do. Demands are given
/// here, or in copytax.toml (docs/check.md). Prints what broke and why, and exits with 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  copytax check --min-hit-rate 0.9 -- go test ./...
  copytax check --comm 'srv*' --forbid G1 --junit out.xml run.ctx
  copytax check --github -- make bench        demands of copytax.toml

Exit status: 0 all holds; 1 something does not, or the command failed;
2 it cannot check.")]
pub(crate) struct Args {
    /// The recording to check
    #[arg(value_name = "FILE", conflicts_with = "command")]
    recording: Option<PathBuf>,
    /// The command to run and check
    #[arg(last = true, value_name = "CMD", num_args = 1..)]
    command: Vec<OsString>,
    /// How long the command may run, such as 2m; it then gets SIGTERM
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse)]
    #[arg(conflicts_with = "recording", help_heading = "Count")]
    duration: Option<Duration>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    demands: DemandArgs,
    #[command(flatten)]
    diagnosis: DiagnosisArgs,
    /// Print JSON (schema copytax.check/1)
    #[arg(long, conflicts_with = "github", help_heading = "Output")]
    json: bool,
    /// Write JUnit XML, too
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    junit: Option<PathBuf>,
    /// Write SARIF, too
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    sarif: Option<PathBuf>,
    /// Print annotations for GitHub, too
    #[arg(long, help_heading = "Output")]
    github: bool,
}

/// What must hold.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Demands")]
struct DemandArgs {
    /// Read demands from this file [default: copytax.toml, if there are none here]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Demand it of processes with this command name, in which * stands for anything [default: all
    /// together]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Glob::try_from(text.to_owned()))]
    comm: Option<Glob>,
    /// Least hit rate, such as 0.9 or 90%
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    min_hit_rate: Option<f64>,
    /// Most lost bytes, such as 64KiB
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes)]
    max_lost_bytes: Option<u64>,
    /// Most lost bytes, as a share of what was written
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    max_lost_share: Option<f64>,
    /// No findings of this rule or verdict; give it again for more
    #[arg(long, value_name = "RULE|VERDICT")]
    forbid: Vec<String>,
}

impl DemandArgs {
    fn policies(&self, catalog: &Catalog) -> Result<Vec<Policy>, Failure> {
        let forbid = self.forbid.iter().map(|name| {
            Forbidden::parse(name, catalog)
                .map_err(|error| Failure::usage(format!("--forbid: {error}")))
        });
        let given = Policy {
            process: self.comm.clone(),
            min_hit_rate: self.min_hit_rate,
            max_lost_bytes: self.max_lost_bytes,
            max_lost_share: self.max_lost_share,
            forbid: forbid.collect::<Result<_, _>>()?,
        };
        let mut policies = match &self.policy {
            Some(path) => read(path, catalog)?,
            None if given.is_empty() && Path::new(POLICY_FILE).exists() => {
                read(Path::new(POLICY_FILE), catalog)?
            }
            None => Vec::new(),
        };
        if !given.is_empty() {
            policies.push(given);
        } else if self.comm.is_some() {
            return Err(Failure::usage("--comm: nothing is demanded of it"));
        }
        if policies.is_empty() {
            return Err(Failure::usage(format!(
                "nothing is demanded: give --min-hit-rate, --max-lost-bytes, --max-lost-share, \
                 --forbid or --policy, or write {POLICY_FILE}"
            )));
        }
        Ok(policies)
    }
}

fn read(path: &Path, catalog: &Catalog) -> Result<Vec<Policy>, Failure> {
    let name = path.display();
    let text = rules::read(path)
        .map_err(|error| Failure::io(&format!("cannot read policies from {name}"), &error))?;
    policy::parse(&text, catalog).map_err(|error| Failure::usage(format!("{name}: {error}")))
}

/// Where results go besides standard output.
struct Outputs {
    junit: Option<Output>,
    sarif: Option<Output>,
    json: bool,
    github: bool,
    page: (usize, bool),
}

/// Checks.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let diagnosis = args.diagnosis.load()?;
    let policies = args.demands.policies(diagnosis.catalog())?;
    let create = |path: &Option<PathBuf>| path.as_deref().map(Output::create).transpose();
    let outputs = Outputs {
        junit: create(&args.junit)?,
        sarif: create(&args.sarif)?,
        json: args.json,
        github: args.github,
        page: (terminal::width(), color.applies_to_stdout()),
    };
    let check = move |snapshot: Snapshot| {
        if let Some(reason) = &snapshot.without_profile {
            tracing::warn!("call sites are not sampled: {reason}");
        }
        let (audit, _, fails) = diagnosis.audited(snapshot);
        let checks = evaluate(&policies, &audit);
        outputs.write(&checks, &audit)?;
        let holds = checks.iter().all(|check| check.holds);
        Ok(if holds && !fails {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    };
    match (&args.recording, args.command.as_slice()) {
        (Some(path), _) => check(RecordedArgs::all_of(path).intact_snapshot()?),
        (None, []) => Err(Failure::usage(
            "nothing to check: give a recording, or a command after --",
        )),
        (None, command) => {
            let settings = Settings {
                target: Target::Command(command.to_vec()),
                duration: args.duration,
                engine: args.engine.choice(),
                profiling: Some(Profiling::default()),
            };
            live::run(&settings, check)
        }
    }
}

impl Outputs {
    fn write(self, checks: &[Check<'_>], audit: &Audit) -> Result<(), Failure> {
        // Where it cannot be known, paths stay as they are.
        let root = std::env::current_dir().unwrap_or_default();
        let root = root.to_string_lossy();
        stdout::print(|mut out| {
            if self.json {
                return report::write_json(&mut out, checks);
            }
            report::write(&mut out, checks, self.page)?;
            if self.github {
                out.flush()?;
                report::write_github(&mut out, checks, &root)?;
            }
            Ok(())
        })?;
        if let Some(junit) = self.junit {
            junit.write(|mut out| report::write_junit(&mut out, checks, audit.window.duration))?;
        }
        if let Some(sarif) = self.sarif {
            sarif.write(|mut out| report::write_sarif(&mut out, checks, &root))?;
        }
        Ok(())
    }
}
