//! The lab against the audit: both count the same calls and bytes, for every path.

#[path = "../support/counted.rs"]
mod counted;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "shared with other test targets")]
mod support;

mod accounting;
mod calibration;
mod options;
mod reflink;

use std::env;
use std::path::Path as FilePath;

use anyhow::{Context as _, Result, ensure};
use copytax::capture::EngineChoice;
use copytax::lab::{Path, Transport};

use accounting::{Accounting, missing, watch};
use support::prerequisites;

/// Neither a multiple of a page nor of a buffer.
const SIZE: &str = "1000003";

/// What kernels and file systems may lack. All else must be there.
const MAY_BE_MISSING: [&str; 2] = ["copy-reflink", "tls-sendfile"];

fn agrees(
    engine: EngineChoice,
    path: Path,
    transport: Transport,
    folder: &FilePath,
    reader_of_nothing: &Accounting,
) -> Result<()> {
    let (told, seen) = watch(engine, path, transport, SIZE, folder)?;
    let seen = seen.without_reads_of(reader_of_nothing)?;
    // The audit counts what moves bytes.
    let moves = path.name() != "copy-reflink";
    ensure!(
        told.0.is_empty() != moves,
        "{path}: the lab called {told:?}"
    );
    ensure!(
        told == seen,
        "{path} over {}: the lab called {told:?}, and the audit saw {seen:?}",
        transport.name()
    );
    Ok(())
}

fn all_agree(engine: EngineChoice) -> Result<()> {
    if prerequisites::or_skip(prerequisites::root())?.is_none() {
        return Ok(());
    }
    let folder = env::temp_dir();
    let sendfile = Path::named("sendfile").context("sendfile is a path")?;
    let missing = missing()?;
    for name in &missing {
        ensure!(MAY_BE_MISSING.contains(&name.as_str()), "{name} is missing");
        println!("not on this machine: {name}");
    }
    for transport in Transport::ALL {
        // It reads what each process reads that makes such a transport, and nothing else.
        let plain = if sendfile.fits(transport) {
            transport
        } else {
            Transport::Tcp
        };
        let (_, reader_of_nothing) = watch(engine, sendfile, plain, SIZE, &folder)?;
        let here = |path: &Path| !missing.contains(path.name()) && path.fits(transport);
        for path in Path::ALL.into_iter().filter(here) {
            agrees(engine, path, transport, &folder, &reader_of_nothing)?;
        }
    }
    Ok(())
}

#[test]
fn the_audit_counts_what_the_lab_does_with_the_raw_engine() -> Result<()> {
    all_agree(EngineChoice::Raw)
}

#[test]
fn the_audit_counts_what_the_lab_does_with_the_tracepoint_engine() -> Result<()> {
    all_agree(EngineChoice::Tracepoint)
}
