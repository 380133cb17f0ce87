//! A program that reads and sends with io_uring: READ, and SEND_ZC out of the same buffer.

use std::fs::File;
use std::process::Command;

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::compiler::Built;
use crate::sink::Sink;
use crate::support::audit::{Audit, ENGINES};
use crate::support::prerequisites;
use crate::support::report::Report;
use crate::ways;

/// Odd, so that the last piece is short.
const SIZE: u64 = 10_000_019;

#[test]
fn send_zc_is_by_reference() -> Result<()> {
    sent("trusts", |_, _| Ok(()))
}

/// Over loopback the kernel copies after all, and says so to who asks.
#[test]
fn send_zc_is_copied_over_loopback() -> Result<()> {
    sent("asks", |report, program| report.says(program, "K7"))
}

/// Sends a file, and looks at what is said of the program.
fn sent(mode: &str, check: impl Fn(&Report, u32) -> Result<()>) -> Result<()> {
    for engine in ENGINES {
        let there =
            prerequisites::root().and_then(|()| Built::from("uring_send_zc.c", &["-luring"]));
        let Some(built) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let folder = TempDir::new()?;
        let file = folder.path().join("file");
        write_pattern(File::create(&file)?, SIZE, 23)?;
        let sink = Sink::open()?;
        let mut command = Command::new(built.program());
        command.arg(mode).arg(file).arg(sink.port.to_string());
        let out = folder.path().join("stdout");
        let report = Audit::of_command(engine, &out, &command)?.report()?;

        assert_eq!(sink.came()?, SIZE);
        report.every_call_counted()?;
        let program = report.named("program")?;
        let calls = program.calls();
        assert_eq!(calls["io_uring_read"].bytes, SIZE, "{calls:?}");
        assert_eq!(calls["io_uring_send_zc"].bytes, SIZE, "{calls:?}");
        assert_eq!(program.bytes_to("tcp", Some("uring_send_zc")), SIZE);
        assert_eq!(ways::of(program).values().sum::<u64>(), SIZE);
        check(&report, program.pid)?;
    }
    Ok(())
}
