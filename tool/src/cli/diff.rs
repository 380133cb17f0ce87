//! `copytax diff`

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::failure::Failure;
use super::output::Output;
use super::report::open;
use super::stdout;
use super::terminal::{self, ColorChoice};
use crate::analysis;
use crate::analysis::MatchBy;
use crate::analysis::comparison::{self, CELLS, Comparison, ComparisonOptions, Run};
use crate::model::{Audit, ProcessFacts, ProcessId, Profile, Snapshot, Timeline, Window};
use crate::recording::{RecordingError, Selection};
use crate::report::{GraphOptions, Only, Sampled, flamegraph, json, text};

/// What changed between two recordings, and whether it is more than noise
///
/// Compares hit rate, lost bytes, calls and CPU time, for each program and for all. A change is told
/// where it is larger than 95% of what the recordings themselves vary, which is found by drawing blocks
/// of their steps again and again; else there is no evidence of one. Call sites that came and went are
/// named.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  copytax diff before.ctx after.ctx --fail
  copytax diff a1.ctx b1.ctx --base a2.ctx --new b2.ctx   two runs of each

Exit status: 0 done; 1 with --fail, where something is worse; 2 it cannot.")]
pub(crate) struct Args {
    /// The recording to compare with
    #[arg(value_name = "BASE")]
    first_base: PathBuf,
    /// The recording to compare
    #[arg(value_name = "NEW")]
    first_new: PathBuf,
    /// Another run of what BASE recorded; give it again for more
    #[arg(long, value_name = "FILE", help_heading = "Compare")]
    base: Vec<PathBuf>,
    /// Another run of what NEW recorded
    #[arg(long, value_name = "FILE", help_heading = "Compare")]
    new: Vec<PathBuf>,
    /// What makes processes the same: program is executable, arguments and runtime
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "program",
        help_heading = "Compare"
    )]
    #[arg(value_parser = match_by())]
    by: MatchBy,
    /// Changes of less than this do not matter, in percent of what it was; of hit rates, in points
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = parse_percent)]
    #[arg(help_heading = "Compare")]
    threshold: f64,
    /// Exit with 1 if something is worse
    #[arg(long, help_heading = "Output")]
    fail: bool,
    /// Print JSON (schema copytax.diff/1)
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Print the first N programs
    #[arg(long, value_name = "N", default_value = "10", help_heading = "Output")]
    top: NonZeroUsize,
    /// Write a flame graph of what changed in the first two recordings, too
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    flamegraph: Option<PathBuf>,
}

/// The names of what makes processes the same.
pub(crate) fn match_by() -> impl TypedValueParser<Value = MatchBy> {
    let names = MatchBy::ALL.iter().map(|by| by.name());
    PossibleValuesParser::new(names).try_map(|name| {
        let found = MatchBy::ALL.iter().find(|by| by.name() == name);
        found.copied().ok_or("no such value")
    })
}

/// A share, written in percent.
pub(crate) fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let percent: f64 = number
        .parse()
        .map_err(|_| "write it like 5 or 5%".to_owned())?;
    if (0.0..=100.0).contains(&percent) {
        Ok(percent / 100.0)
    } else {
        Err("a share is between 0 and 100 percent".to_owned())
    }
}

/// One recording, read.
struct Recorded {
    name: String,
    audit: Audit,
    profile: Profile,
    timeline: Timeline,
    processes: std::collections::BTreeMap<ProcessId, ProcessFacts>,
    window: Window,
}

impl Recorded {
    fn read(path: &Path) -> Result<Self, Failure> {
        let recording = open(path)?;
        let all = Selection::default();
        let read = || -> Result<(Snapshot, Timeline), RecordingError> {
            Ok((recording.snapshot(&all)?, recording.timeline(&all, CELLS)?))
        };
        let (mut snapshot, timeline) = read()?;
        analysis::calibrate(&mut snapshot);
        let profile = std::mem::take(&mut snapshot.profile);
        Ok(Self {
            name: path.display().to_string(),
            processes: snapshot.processes.clone(),
            window: snapshot.window,
            audit: analysis::audit(snapshot),
            profile,
            timeline,
        })
    }

    fn run(&self) -> Run<'_> {
        Run {
            audit: &self.audit,
            profile: &self.profile,
            timeline: &self.timeline,
        }
    }

    fn sampled(&self) -> Sampled<'_> {
        Sampled {
            profile: &self.profile,
            processes: &self.processes,
            window: &self.window,
        }
    }
}

/// Compares.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let graph = args.flamegraph.as_deref().map(Output::create).transpose()?;
    let base = read_all(&args.first_base, &args.base)?;
    let new = read_all(&args.first_new, &args.new)?;
    let options = ComparisonOptions {
        by: args.by,
        threshold: args.threshold,
    };
    let comparison = comparison::compare(&runs(&base), &runs(&new), &options);
    if let Some(graph) = graph {
        graph.write(|mut out| write_graph(&mut out, &base[0], &new[0]))?;
    }
    stdout::print(|out| write(out, args, &comparison, (&base, &new), color))?;
    Ok(if args.fail && comparison.is_worse() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn runs(side: &[Recorded]) -> Vec<Run<'_>> {
    side.iter().map(Recorded::run).collect()
}

fn read_all(first: &Path, others: &[PathBuf]) -> Result<Vec<Recorded>, Failure> {
    let paths = [first]
        .into_iter()
        .chain(others.iter().map(PathBuf::as_path));
    paths.map(Recorded::read).collect()
}

fn write(
    out: &mut impl Write,
    args: &Args,
    comparison: &Comparison,
    (base, new): (&[Recorded], &[Recorded]),
    color: ColorChoice,
) -> io::Result<()> {
    if args.json {
        let names = |side: &[Recorded]| -> Vec<String> {
            side.iter().map(|recorded| recorded.name.clone()).collect()
        };
        return json::write_comparison(out, comparison, &names(base), &names(new));
    }
    let (base, new) = (told(base), told(new));
    let page = (terminal::width(), color.applies_to_stdout());
    text::write_comparison(out, comparison, (&base, &new), page, args.top.get())
}

/// The recordings of a side, and how long they are.
fn told(side: &[Recorded]) -> String {
    let recordings: Vec<String> = side
        .iter()
        .map(|recorded| {
            let seconds = recorded.window.duration.as_secs_f64();
            format!("{}, {seconds:.1} s", recorded.name)
        })
        .collect();
    recordings.join(" and ")
}

fn write_graph(out: &mut impl Write, base: &Recorded, new: &Recorded) -> io::Result<()> {
    let options = GraphOptions {
        only: Only::All,
        ..GraphOptions::default()
    };
    flamegraph::write_difference(out, &base.sampled(), &new.sampled(), &options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents() {
        assert_eq!(parse_percent("5"), Ok(0.05));
        assert_eq!(parse_percent("0.5%"), Ok(0.005));
        for wrong in ["", "-1", "101", "x", "nan"] {
            assert!(parse_percent(wrong).is_err(), "{wrong}");
        }
    }
}
