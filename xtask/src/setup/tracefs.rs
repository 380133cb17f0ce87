//! tracefs, from which the tracepoint engine takes the numbers of its tracepoints.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::apt::Apt;
use super::{State, Step};
use crate::shell;

const MOUNT_POINT: &str = "/sys/kernel/tracing";

/// The step that mounts tracefs.
#[derive(Debug)]
pub(super) struct Tracefs;

impl Step for Tracefs {
    fn name(&self) -> String {
        format!("tracefs at {MOUNT_POINT}")
    }

    fn probe(&self) -> State {
        // Only root may look inside, but everyone may read what is mounted.
        match fs::read_to_string("/proc/self/mounts") {
            Ok(mounts) if mounted(&mounts) => State::Have("mounted".to_owned()),
            Ok(_) => State::Missing("not mounted".to_owned()),
            Err(error) => State::Missing(format!("/proc/self/mounts: {error}")),
        }
    }

    fn provide(&self, _apt: &mut Apt) -> Result<()> {
        shell::require_root("`cargo xtask setup` mounts tracefs and")?;
        shell::run(Command::new("mount").args(["-t", "tracefs", "tracefs", MOUNT_POINT]))
    }

    fn optional(&self) -> Option<&'static str> {
        Some("the tracepoint engine cannot be used here")
    }
}

/// Whether this list of mounts has tracefs where it belongs.
fn mounted(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        (fields.next(), fields.next()) == (Some(MOUNT_POINT), Some("tracefs"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tracefs_in_its_place_counts() {
        assert!(mounted(
            "proc /proc proc rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n"
        ));
        assert!(!mounted("tracefs /mnt tracefs rw 0 0\n"));
        assert!(!mounted("none /sys/kernel/tracing tmpfs rw 0 0\n"));
        assert!(!mounted(""));
    }
}
