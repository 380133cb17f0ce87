//! `copytax lab --calibrate`

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use super::super::output::Output;
use super::super::terminal::{self, ColorChoice};
use super::{Args, Failure, measure, stdout};
use crate::analysis::lab::{CALIBRATED, fill_in};
use crate::lab::{Path, Plan, Transport, prepare_calibration};
use crate::model::Calibration;
use crate::report::text;

/// Bytes of a run. Many short runs that take turns tell the paths apart better than a few long ones: what
/// the machine does besides lasts longer, and so meets those that are compared alike.
const RUN: u64 = 4 << 20;

/// Runs of each path and size.
const RUNS: u32 = 101;

/// For a first impression.
const QUICK_RUNS: u32 = 21;

/// Sizes of transfers: the powers of 2 from 1 KiB to 16 MiB.
const SIZES: std::ops::RangeInclusive<u32> = 10..=24;

/// Measures, keeps the result, and prints it.
pub(super) fn run(args: &Args, color: ColorChoice) -> Result<ExitCode, Failure> {
    let runs = if args.quick { QUICK_RUNS } else { RUNS };
    let plan = Plan {
        paths: CALIBRATED.into_iter().filter_map(Path::named).collect(),
        transports: vec![Transport::Tcp],
        sizes: SIZES.map(|power| 1 << power).collect(),
        bytes_of_run: RUN,
        runs: args.runs.unwrap_or(runs),
        connections: vec![1],
        is_cold: false,
    };
    let result = measure(&plan)?;
    let mut calibration = Calibration {
        host: result.host.clone(),
        processor: result.processor.clone(),
        time: result.start,
        sendfile: None,
        splice: None,
        zerocopy: None,
        send_zc: None,
        costs: BTreeMap::new(),
    };
    fill_in(&mut calibration, &result.series);
    let kept = prepare_calibration(&calibration);
    let (path, content) =
        kept.map_err(|error| Failure::io("the calibration cannot be kept", &error))?;
    Output::create(&path)?.write(|out| out.write_all(content.as_bytes()))?;
    stdout::print(|out| {
        if args.json {
            return out.write_all(content.as_bytes());
        }
        text::write_calibration(
            out,
            &calibration,
            terminal::width(),
            color.applies_to_stdout(),
        )?;
        writeln!(out, "kept in {}", path.display())
    })?;
    Ok(ExitCode::SUCCESS)
}
