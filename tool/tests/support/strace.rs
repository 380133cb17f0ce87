//! strace as a witness.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use copytax::model::Call;

use super::report::Report;

/// Calls and errors by name of the call.
pub(crate) type Counts = BTreeMap<String, (u64, u64)>;

/// The command, with its accounted calls and those of its children counted by strace.
pub(crate) fn counting(strace: &Path, summary: &Path, command: &Command) -> Command {
    // strace knows system calls; operations of io_uring are none.
    let calls = Call::ALL.iter().filter(|call| !call.is_io_uring());
    let family: Vec<_> = calls.map(|call| call.name()).collect();
    let mut counting = Command::new(strace);
    counting
        .args(["-f", "-c", "-U", "calls,errors,name", "-e"])
        .arg(format!("trace={}", family.join(",")))
        .arg("-o")
        .arg(summary)
        .arg(command.get_program())
        .args(command.get_args());
    counting
}

/// Fails unless the report of a command that `counting` made has the counts of its summary, which
/// are given back.
pub(crate) fn agreed(report: &Report, summary: &Path) -> Result<Counts> {
    let summary = fs::read_to_string(summary).context("strace left no summary")?;
    let by_strace = parse(&summary)?;
    ensure!(!by_strace.is_empty(), "strace saw nothing: {summary}");
    // What strace does not see is itself, and the children with which it tries the kernel out.
    let (strace, watched): (Vec<_>, Vec<_>) =
        report.processes.iter().partition(|p| p.comm == "strace");
    ensure!(!strace.is_empty(), "strace is missing in {report:#?}");
    let mut by_audit = Counts::new();
    for process in watched {
        for (name, sums) in process.calls() {
            let counts = by_audit.entry(name.to_owned()).or_default();
            counts.0 += sums.calls;
            counts.1 += sums.errors;
        }
    }
    assert_eq!(by_audit, by_strace, "the audit (left) and strace disagree");
    Ok(by_strace)
}

/// Reads a summary that `counting` made.
fn parse(summary: &str) -> Result<Counts> {
    let mut counts = Counts::new();
    for line in summary.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        // The heading has no number, the rules are dashes, and the column of errors may be empty.
        let Some(Ok(calls)) = words.first().map(|word| word.parse()) else {
            continue;
        };
        let name = *words.last().context("the line has a first word")?;
        let errors = match words.as_slice() {
            [_, errors, _] => errors.parse()?,
            _ => 0,
        };
        if name != "total" {
            counts.insert(name.to_owned(), (calls, errors));
        }
    }
    Ok(counts)
}

#[test]
fn summary_is_read() -> Result<()> {
    let summary = "    calls    errors syscall\n--------- --------- ----------------\n       \
                   71         5 read\n        6           write\n--------- --------- \
                   ----------------\n       77         5 total\n";
    let expected = [("read", (71, 5)), ("write", (6, 0))];
    let expected = expected.map(|(name, counts)| (name.to_owned(), counts));
    assert_eq!(parse(summary)?, expected.into());
    Ok(())
}
