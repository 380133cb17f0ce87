//! `cargo xtask test`: every test, on the running kernel, and those of the virtual machine.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Level};
use crate::{shell, vm, workspace};

/// Sets up, runs `cargo test` over the workspace and, if that passes and had no arguments of its own, the
/// tests in the virtual machine; gives the status back.
///
/// The release profile: workloads that move gigabytes through an unoptimised tool measure the
/// wrong thing, and it is the build that `cargo xtask demo` uses too.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode> {
    shell::require_root("`cargo xtask test` loads eBPF programs and")?;
    setup::ensure(&[Level::Build, Level::Tests])?;
    let mut test = shell::cargo(&["test", "--release", "--workspace", "--exclude=copytax-ebpf"]);
    test.args(args)
        .env("COPYTAX_TESTBED", workspace::testbed_dir()?);
    let status = shell::status(&mut test)?;
    if !status.success() || !args.is_empty() {
        return Ok(shell::exit_code(status));
    }
    vm::run()
}
