//! `cat FILE | nc`: two programs and two relays, each with its own kinds of endpoints.

use std::fs::File;
use std::process::Command;

use anyhow::Result;
use copytax::lab::write_pattern;
use tempfile::TempDir;

use crate::sink::Sink;
use crate::support::audit::ENGINES;
use crate::support::prerequisites;
use crate::watched;
use crate::ways::{self, expected};

/// Odd, so that the last piece is short.
const SIZE: u64 = 10_000_019;

#[test]
fn both_ends_of_the_pipe_bounce() -> Result<()> {
    for engine in ENGINES {
        let there = watched::prerequisites().and_then(|()| prerequisites::program("nc.openbsd"));
        let Some(netcat) = prerequisites::or_skip(there)? else {
            return Ok(());
        };
        let folder = TempDir::new()?;
        let file = folder.path().join("file");
        write_pattern(File::create(&file)?, SIZE, 23)?;
        let sink = Sink::open()?;
        let mut command = Command::new("sh");
        command.args(["-c", r#"cat "$1" | "$2" -N 127.0.0.1 "$3""#, "sh"]);
        command.arg(file).arg(netcat).arg(sink.port.to_string());
        let report = watched::run(engine, &command)?;

        assert_eq!(sink.came()?, SIZE);
        let cat = report.named("cat")?;
        let bounced = expected([("bounced read_write file -> pipe, same_buffer", SIZE)]);
        assert_eq!(ways::of(cat), bounced);
        assert_eq!(cat.bytes.lost, SIZE);
        let netcat = report.named("nc.openbsd")?;
        let bounced = expected([("bounced read_write pipe -> tcp, same_buffer", SIZE)]);
        assert_eq!(ways::of(netcat), bounced);
        assert_eq!(netcat.bytes.lost, SIZE);
    }
    Ok(())
}
