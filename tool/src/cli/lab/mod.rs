//! `copytax lab`

mod calibrate;
mod size;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::failure::Failure;
use super::output::Output;
use super::progress;
use super::stdout;
use super::terminal::{self, ColorChoice};
use crate::host;
use crate::lab::{Path, Plan, Transport};
use crate::model::{LabConditions, LabResult};
use crate::report::{html, json, text};

/// Bytes of a transfer where nothing else is said.
const SIZE: &str = "4m";
/// Bytes of a run: long enough for CPU time to be told.
const RUN: u64 = 64 << 20;
/// Bytes of a run of a first impression.
const QUICK_RUN: u64 = 16 << 20;
/// Runs of each path; 9 of them make a 95% interval without the fastest and the slowest.
const RUNS: u32 = 11;
/// Fewest that have an interval at all.
const QUICK_RUNS: u32 = 6;

/// What each way of moving bytes costs on this machine
///
/// Moves a file to a socket, a socket's bytes to another one and a file to a file, by each path that the
/// kernel has. The paths take turns; figures are medians with 95% intervals. As root, idle CPUs are kept from
/// going to sleep meanwhile. Nothing is left behind.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Measure this path only; give it again for more; --list names them
    #[arg(long, value_name = "PATH", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(Path::ALL.map(Path::name))
        .try_map(|name| Path::named(&name).ok_or("no such path")))]
    only: Vec<Path>,
    /// Measure over this transport only; give it again for more
    #[arg(long, value_enum, value_name = "TRANSPORT")]
    transport: Vec<Transport>,
    /// Bytes of a transfer, such as 4096, 64k or 1m, from 1 byte to 4 GiB; give it again for more
    #[arg(long, value_name = "BYTES", value_parser = size::parse, default_value = SIZE)]
    size: Vec<u64>,
    /// Runs of each path; fewer than 6 have no interval
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: Option<u32>,
    /// Connections at once, each of which moves as much; give it again for more
    #[arg(long, value_name = "NUMBER", default_values_t = [1])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: Vec<u32>,
    /// Read files from the disk: each run is one transfer of a file in the folder for temporary files
    /// (TMPDIR) that was taken out of memory
    #[arg(long, conflicts_with = "connections")]
    cold: bool,
    /// A first impression: fewer and shorter runs
    #[arg(long)]
    quick: bool,
    /// Measure from which size of transfers on zero-copy calls take less CPU time than the usual ones, and
    /// keep that: audits call transfers below it too small
    #[arg(long, conflicts_with_all = ["only", "transport", "size", "connections", "cold"])]
    calibrate: bool,
    /// Print the names of the paths and do nothing
    #[arg(long, conflicts_with_all = ["calibrate", "only", "transport", "runs", "quick", "json", "connections", "cold", "html"])]
    list: bool,
    /// Also write a page with plots over sizes of transfers, which a browser shows and which loads nothing
    #[arg(long, value_name = "FILE", conflicts_with = "calibrate")]
    html: Option<PathBuf>,
    /// Print JSON (schema copytax.lab/1, copytax.calibration/1 with --calibrate)
    #[arg(long)]
    json: bool,
}

/// Measures, and prints what came of it.
pub(crate) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    if args.list {
        let mut names = Path::ALL.iter();
        stdout::print(|out| names.try_for_each(|path| writeln!(out, "{path}")))?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.calibrate {
        return calibrate::run(args, color);
    }
    let plan = args.plan()?;
    // A file that cannot be written is known before anything is measured.
    let page = args.html.as_deref().map(Output::create).transpose()?;
    let result = measure(&plan)?;
    if let Some(page) = page {
        page.write(|mut out| html::write_lab(&mut out, &result))?;
    }
    stdout::print(|out| {
        if args.json {
            json::write_lab(out, &result)
        } else {
            text::write_lab(out, &result, terminal::width(), color.applies_to_stdout())
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn plan(&self) -> Result<Plan, Failure> {
        let all = |chosen: &[Path]| match chosen {
            [] => Path::ALL.to_vec(),
            chosen => {
                let all = Path::ALL.into_iter();
                all.filter(|path| chosen.contains(path)).collect()
            }
        };
        let transports = Transport::ALL.into_iter();
        let transports = transports
            .filter(|way| self.transport.is_empty() || self.transport.contains(way))
            .collect();
        let (bytes_of_run, runs) = if self.quick {
            (QUICK_RUN, QUICK_RUNS)
        } else {
            (RUN, RUNS)
        };
        let plan = Plan {
            paths: all(&self.only),
            transports,
            sizes: ascending(&self.size),
            bytes_of_run,
            runs: self.runs.unwrap_or(runs),
            connections: ascending(&self.connections),
            is_cold: self.cold,
        };
        if plan.combinations().is_empty() {
            return Err(Failure::usage(
                "no such path over such a transport: copies go by `file`, all others by `tcp`, `veth` or \
                 `unix`, but for zerocopy, SEND_ZC and TLS of the kernel, which are not for `unix`; and \
                 with --cold only those that read a file",
            ));
        }
        Ok(plan)
    }
}

/// Each once, the smallest first.
fn ascending<T: Copy + Ord>(values: &[T]) -> Vec<T> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    values
}

fn measure(plan: &Plan) -> Result<LabResult, Failure> {
    let start = SystemTime::now();
    let is_wanted = progress::is_wanted();
    let measured = plan.run(|done, all| {
        if is_wanted {
            progress::show(&format!("measuring: run {} of {all}", done + 1));
        }
    });
    progress::clear();
    let measured = measured.map_err(|error| Failure::io("the lab failed", &error))?;
    if let ([], [first, ..]) = (&*measured.series, &*measured.unavailable) {
        let (path, way, reason) = (first.path, first.transport, &first.reason);
        return Err(Failure::usage(format!("{path} over {way}: {reason}")));
    }
    Ok(LabResult {
        host: host::kernel::host(),
        processor: host::processor(),
        conditions: LabConditions {
            congestion_control: host::congestion_control(),
            is_awake: measured.is_awake,
        },
        start,
        series: measured.series,
        unavailable: measured.unavailable,
    })
}
