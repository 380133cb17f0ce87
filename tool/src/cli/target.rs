//! Which processes: arguments to a validated target.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::failure::Failure;
use crate::capture::Target;

/// Bytes of a command name that the kernel keeps.
const COMM_BYTES: usize = 15;
/// Largest pid that a kernel can be told to give.
const LARGEST_PID: i64 = 4_194_304;

/// The arguments, unrelated to each other still.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target (at most one kind)")]
#[command(group = ArgGroup::new("target"))]
pub(crate) struct TargetArgs {
    /// The whole machine, copytax left out (the default)
    #[arg(short, long, group = "target")]
    all: bool,
    /// This process; give it again for more
    #[arg(short, long = "pid", value_name = "PID", group = "target")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=LARGEST_PID))]
    pids: Vec<u32>,
    /// With --pid: their children, too, and those that they start
    #[arg(long, requires = "pids")]
    #[arg(conflicts_with_all = ["all", "comm", "cgroup", "container", "command"])]
    follow: bool,
    /// Processes with this command name, at most 15 bytes, as ps shows it
    #[arg(long, value_name = "NAME", value_parser = parse_comm, group = "target")]
    comm: Option<String>,
    /// Processes of this cgroup (v2) and of those below it
    #[arg(long, value_name = "PATH", value_parser = parse_cgroup, group = "target")]
    cgroup: Option<PathBuf>,
    /// Processes of this container: its id, or 8 or more digits of it
    #[arg(long, value_name = "ID", value_parser = parse_container, group = "target")]
    container: Option<String>,
    /// Start this command, and count it and its children from the first call
    #[arg(last = true, value_name = "CMD", group = "target", num_args = 1..)]
    command: Vec<OsString>,
}

impl TargetArgs {
    /// The target that they name.
    pub(crate) fn target(&self) -> Target {
        // At most one of these is given: they are one group.
        if !self.pids.is_empty() {
            let mut pids = self.pids.clone();
            pids.sort_unstable();
            pids.dedup();
            Target::Pids {
                pids,
                follow: self.follow,
            }
        } else if let Some(name) = &self.comm {
            Target::Comm(name.clone())
        } else if let Some(path) = &self.cgroup {
            Target::Cgroup(path.clone())
        } else if let Some(id) = &self.container {
            Target::Container(id.clone())
        } else if !self.command.is_empty() {
            Target::Command(self.command.clone())
        } else {
            Target::All
        }
    }
}

/// A script whose variable is empty must not watch the whole machine instead.
pub(crate) fn refuse_empty_command(target: &Target) -> Result<(), Failure> {
    let separator = std::env::args_os().last().is_some_and(|last| last == "--");
    if separator && !matches!(target, Target::Command(_)) {
        return Err(Failure::usage(
            "no command follows `--`; leave it out to watch the machine",
        ));
    }
    Ok(())
}

fn parse_comm(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("a command name cannot be empty".to_owned());
    }
    if name.len() > COMM_BYTES {
        let kept: String = name
            .char_indices()
            .take_while(|(start, character)| start + character.len_utf8() <= COMM_BYTES)
            .map(|(_, character)| character)
            .collect();
        return Err(format!(
            "the kernel keeps the first {COMM_BYTES} bytes of a command name; try `--comm '{kept}'`"
        ));
    }
    Ok(name.to_owned())
}

fn parse_cgroup(path: &str) -> Result<PathBuf, String> {
    if path.is_empty() {
        return Err("the path of a cgroup cannot be empty; `/` is the root".to_owned());
    }
    Ok(PathBuf::from(path))
}

fn parse_container(id: &str) -> Result<String, String> {
    if id.is_empty() {
        return Err("the id of a container cannot be empty".to_owned());
    }
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        target: TargetArgs,
    }

    fn target(arguments: &[&str]) -> Result<Target, String> {
        Program::try_parse_from([&["program"], arguments].concat())
            .map(|program| program.target.target())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_kind() {
        assert_eq!(target(&[]), Ok(Target::All));
        assert_eq!(target(&["-a"]), Ok(Target::All));
        let pids = |pids: &[u32], follow| {
            Ok(Target::Pids {
                pids: pids.to_vec(),
                follow,
            })
        };
        assert_eq!(target(&["-p", "7"]), pids(&[7], false));
        assert_eq!(
            target(&["-p9", "-p", "7", "--pid=9", "--follow"]),
            pids(&[7, 9], true)
        );
        assert_eq!(
            target(&["--comm", "nginx"]),
            Ok(Target::Comm("nginx".to_owned()))
        );
        assert_eq!(
            target(&["--cgroup", "/a/b"]),
            Ok(Target::Cgroup(PathBuf::from("/a/b")))
        );
        let id = "0123456789ab";
        assert_eq!(
            target(&["--container", id]),
            Ok(Target::Container(id.to_owned()))
        );
        let command = ["sh", "-c", "exit 3"].map(OsString::from).to_vec();
        assert_eq!(
            target(&["--", "sh", "-c", "exit 3"]),
            Ok(Target::Command(command))
        );
    }

    #[test]
    fn kinds_exclude_each_other() {
        let kinds: [&[&str]; 5] = [
            &["-a"],
            &["-p", "1"],
            &["--comm", "a"],
            &["--cgroup", "a"],
            &["--container", "a"],
        ];
        for one in kinds {
            let error = target(&[one, &["--", "true"]].concat()).expect_err("a conflict");
            assert!(error.contains("cannot be used with"), "{error}");
            for other in kinds.iter().filter(|&&other| other != one) {
                assert!(target(&[one, other].concat()).is_err(), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn bad_values() {
        for arguments in [
            &["-p", "0"][..],
            &["-p", "-1"],
            &["-p", "4194305"],
            &["-p", "x"],
            &["-p"],
            &["--follow"],
            &["--follow", "-a"],
            &["--comm", ""],
            &["--cgroup", ""],
            &["--container", ""],
            &["stray"],
        ] {
            assert!(target(arguments).is_err(), "{arguments:?}");
        }
        assert!(target(&["--comm", "123456789012345"]).is_ok());
        let error = target(&["--comm", "12345678901234\u{e9}"]).expect_err("16 bytes");
        assert!(error.contains("--comm '12345678901234'"), "{error}");
    }
}
