//! `cargo xtask test`: every test, on the running kernel.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Level};
use crate::{shell, workspace};

/// Sets up, runs `cargo test` over the workspace and gives its status back.
///
/// The release profile: workloads that move gigabytes through an unoptimised tool measure the
/// wrong thing, and it is the build that `cargo xtask demo` uses too.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode> {
    shell::require_root("`cargo xtask test` loads eBPF programs and")?;
    setup::ensure(&[Level::Build, Level::Tests])?;
    let mut test = shell::cargo(&["test", "--release", "--workspace", "--exclude=copytax-ebpf"]);
    test.args(args)
        .env("COPYTAX_TESTBED", workspace::testbed_dir()?);
    Ok(shell::exit_code(shell::status(&mut test)?))
}
