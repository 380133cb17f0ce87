//! The lab against the audit: both count the same calls and bytes, for every path.

#[path = "../support/counted.rs"]
mod counted;
#[path = "../support/patience.rs"]
mod patience;

mod accounting;
mod calibration;
mod options;

use anyhow::{Context as _, Result, ensure};
use copytax::capture::EngineChoice;
use copytax::lab::{Path, Transport};

use accounting::{Accounting, missing, watch};

/// Neither a multiple of a page nor of a buffer.
const SIZE: &str = "1000003";

/// What kernels and file systems may lack. All else must be there.
const MAY_BE_MISSING: [&str; 2] = ["copy-reflink", "tls-sendfile"];

fn agrees(
    engine: EngineChoice,
    path: Path,
    transport: Transport,
    reader_of_nothing: &Accounting,
) -> Result<()> {
    let (told, seen) = watch(engine, path, transport, SIZE)?;
    let seen = seen.without_reads_of(reader_of_nothing)?;
    ensure!(!told.0.is_empty(), "{path}: the lab has called nothing");
    ensure!(
        told == seen,
        "{path} over {}: the lab called {told:?}, and the audit saw {seen:?}",
        transport.name()
    );
    Ok(())
}

fn all_agree(engine: EngineChoice) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root may attach");
        return Ok(());
    }
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
        let (_, reader_of_nothing) = watch(engine, sendfile, plain, SIZE)?;
        let here = |path: &Path| !missing.contains(path.name()) && path.fits(transport);
        for path in Path::ALL.into_iter().filter(here) {
            agrees(engine, path, transport, &reader_of_nothing)?;
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
