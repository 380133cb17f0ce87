//! `cargo xtask lint`: rustfmt and clippy over both halves; whether the fuzzers' lock file is up to date.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::setup::{self, KERNEL_TOOLCHAIN, Level};
use crate::shell::{self, say};
use crate::workspace;

/// Checks the format, then lints each half for its own target. Any warning fails.
pub(crate) fn run() -> Result<ExitCode> {
    setup::ensure(&[Level::Build, Level::Lint])?;
    let mut checks = vec![
        shell::cargo(&["fmt", "--all", "--", "--check"]),
        // A workspace of its own does not follow a new dependency of the tool by itself.
        shell::cargo(&["fetch", "--locked", "--manifest-path=fuzz/Cargo.toml"]),
        // The release profile: its macros and build dependencies then serve the tests, too.
        shell::cargo(&[
            "clippy",
            "--release",
            "--workspace",
            "--exclude=copytax-ebpf",
            "--all-targets",
            "--",
            "--deny=warnings",
        ]),
    ];
    if shell::output(
        "rustup",
        &["run", KERNEL_TOOLCHAIN, "cargo", "clippy", "-V"],
    )
    .is_some()
    {
        checks.push(kernel_half());
    } else {
        say!(
            "skipped: clippy for the kernel half, because its toolchain ({KERNEL_TOOLCHAIN}) has \
             none"
        );
    }
    for check in &mut checks {
        let status = shell::status(check)?;
        if !status.success() {
            return Ok(shell::exit_code(status));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Clippy for the kernel half, with the flags that aya-build gives to its build.
fn kernel_half() -> Command {
    let mut clippy = Command::new("rustup");
    clippy
        .args(["run", KERNEL_TOOLCHAIN, "cargo", "clippy", "--release"])
        .args(["--package=copytax-ebpf", "--bins"])
        .args(["--target=bpfel-unknown-none", "-Zbuild-std=core"])
        .args(["--", "--deny=warnings"])
        .current_dir(workspace::root())
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "RUSTFLAGS",
            format!("--cfg=bpf_target_arch=\"{}\"", std::env::consts::ARCH),
        );
    clippy
}
