//! The embedded workload, as the demo runs it.

use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

use crate::support::audit::Audit;
use crate::support::prerequisites;

const BYTES: u64 = (1 << 20) + 23;
const TRANSFERS: u64 = 3;
const TOTAL: u64 = BYTES * TRANSFERS;

#[test]
fn every_shape_is_a_row_with_its_bytes() -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let folder = TempDir::new()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_copytax"));
    command.arg("workload");
    command.arg(format!("--bytes={BYTES}"));
    command.arg(format!("--transfers={TRANSFERS}"));
    let report = Audit::of_command("auto", &folder.path().join("stdout"), &command)?.report()?;

    report.every_call_counted()?;
    for shape in ["sendfile", "splice"] {
        let server = report.named(shape)?;
        assert_eq!(server.bytes_to("tcp", Some(shape)), TOTAL, "{server:#?}");
        assert_eq!(server.bytes.zero_copy, TOTAL, "{server:#?}");
        assert_eq!(server.hit_rate, Some(1.0), "{server:#?}");
    }
    let server = report.named("read+write")?;
    assert_eq!(server.bytes.lost, TOTAL, "{server:#?}");
    assert_eq!(server.bytes.generated, 0, "{server:#?}");
    assert_eq!(server.hit_rate, Some(0.0), "{server:#?}");
    let server = report.named("mmap+write")?;
    assert_eq!(server.bytes_to("tcp", None), TOTAL, "{server:#?}");
    assert_eq!(server.bytes.bounced, 0, "{server:#?}");
    let client = report.named("client")?;
    assert_eq!(client.calls()["recvfrom"].bytes, 4 * TOTAL, "{client:#?}");
    Ok(())
}
