//! A 32-bit program: its calls have other numbers. They are counted, and no byte of them is.

use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use crate::compiler::Built;
use crate::support::audit::Audit;
use crate::support::prerequisites;
use crate::support::report::Report;
use crate::ways::{self, expected};

const READS: u64 = 1_009;
const WRITES: u64 = 503;

#[test]
fn calls_are_counted_as_unsupported() -> Result<()> {
    let Some(report) = watched("raw", &["-m32", "-static"])? else {
        return Ok(());
    };
    assert_eq!(report.loss("unsupported_abi_calls"), Some(READS + WRITES));
    no_byte_is_counted(&report)
}

#[test]
fn calls_are_unknown_to_the_tracepoint_engine() -> Result<()> {
    let Some(report) = watched("tracepoint", &["-m32", "-static"])? else {
        return Ok(());
    };
    assert_eq!(report.loss("unsupported_abi_calls"), None);
    no_byte_is_counted(&report)
}

/// The same program for 64 bits, to know that the others test what they say.
#[test]
fn as_64_bit_program_it_is_counted() -> Result<()> {
    let Some(report) = watched("raw", &["-static"])? else {
        return Ok(());
    };
    assert_eq!(report.loss("unsupported_abi_calls"), Some(0));
    let program = report.named("program")?;
    assert_eq!(program.calls()["write"].calls, WRITES);
    assert_eq!(ways::of(program).values().sum::<u64>(), WRITES * 101);
    Ok(())
}

fn no_byte_is_counted(report: &Report) -> Result<()> {
    for process in &report.processes {
        assert_eq!(ways::of(process), expected([]));
        // The shell that starts it is a 64-bit program, and loads its libraries.
        let calls = process.calls();
        assert!(calls.values().all(|sums| sums.calls < 20), "{calls:?}");
        assert!(!calls.contains_key("write"), "{calls:?}");
    }
    Ok(())
}

fn watched(engine: &str, options: &[&str]) -> Result<Option<Report>> {
    let built = prerequisites::root().and_then(|()| Built::from("reads_and_writes.c", options));
    let Some(built) = prerequisites::or_skip(built)? else {
        return Ok(None);
    };
    let folder = TempDir::new()?;
    let mut command = Command::new(built.program());
    command.arg(READS.to_string()).arg(WRITES.to_string());
    let out = folder.path().join("stdout");
    Audit::of_command(engine, &out, &command)?
        .report()
        .map(Some)
}
