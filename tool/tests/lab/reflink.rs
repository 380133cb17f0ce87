//! Copies on a file system that shares blocks, which the one for temporary files may not.

use anyhow::{Context as _, Result};
use copytax::capture::EngineChoice;
use copytax::lab::{Path, Transport};

use crate::accounting::watch;
use crate::support::mounted::Mounted;
use crate::support::prerequisites;
use crate::{SIZE, agrees};

#[test]
fn copies_on_a_file_system_that_shares_blocks() -> Result<()> {
    let there = prerequisites::root().and_then(|()| Mounted::image("btrfs"));
    let Some(btrfs) = prerequisites::or_skip(there)? else {
        return Ok(());
    };
    let sendfile = Path::named("sendfile").context("sendfile is a path")?;
    for engine in [EngineChoice::Raw, EngineChoice::Tracepoint] {
        let folder = btrfs.path();
        let (_, reader_of_nothing) = watch(engine, sendfile, Transport::Tcp, SIZE, &folder)?;
        let copies = Path::ALL
            .into_iter()
            .filter(|path| path.fits(Transport::File));
        for path in copies {
            agrees(engine, path, Transport::File, &folder, &reader_of_nothing)?;
        }
    }
    Ok(())
}
