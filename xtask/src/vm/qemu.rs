//! The machine.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::kernel::Kernel;
use crate::shell::{self, say};

/// The program, from Debian's package `qemu-system-x86`.
const QEMU: &str = "qemu-system-x86_64";

/// Longest run. It takes some two minutes on two idle cores.
const LIMIT: Duration = Duration::from_secs(600);

/// The kernel's options, then the environment of process 1. A machine whose kernel panics ends.
/// Where `CI` is set, a test that could not run fails.
const COMMAND_LINE: &str = "console=ttyS0 loglevel=5 oops=panic panic=-1 COPYTAX_VM=1 CI=1 \
                            COPYTAX_TRUTH_SEEDS=40 PATH=/bin";

/// Boots the machine, waits for its end, and gives what its console said.
///
/// Everything is emulated: tests have to run where there is no hardware virtualisation.
pub(super) fn run(kernel: &Kernel, initramfs: &Path) -> Result<String> {
    let log = initramfs.with_file_name("console.log");
    let mut qemu = Command::new(QEMU);
    qemu.args(["-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "2G"])
        .args([
            "-nodefaults",
            "-display",
            "none",
            "-serial",
            "stdio",
            "-no-reboot",
        ])
        .arg("-kernel")
        .arg(kernel.image())
        .arg("-initrd")
        .arg(initramfs)
        .args(["-append", COMMAND_LINE])
        .stdout(File::create(&log).with_context(|| format!("cannot write {}", log.display()))?);
    let outcome = shell::run_bounded(&mut qemu, LIMIT);
    let console = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if outcome.is_err() {
        say!("{console}");
    }
    outcome.map(|()| console)
}
