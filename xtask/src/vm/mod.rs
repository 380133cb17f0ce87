//! `cargo xtask vm`: the tests of the kernel half on a second, older kernel, in a virtual machine.

mod console;
mod initramfs;
pub(crate) mod kernel;
mod programs;
mod qemu;
mod service;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Level};
use crate::shell::say;
use crate::workspace;
use initramfs::Initramfs;
use kernel::Kernel;
use programs::Programs;

/// Where the kernel, the initramfs and the console's output are kept.
pub(crate) fn directory() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("vm"))
}

/// Sets up, builds the test programs, and runs them as the only processes of a virtual machine; then boots it again with
/// systemd, which starts copytax as a service.
pub(crate) fn run() -> Result<ExitCode> {
    setup::ensure(&[Level::Build, Level::Machine])?;
    let programs = Programs::build()?;
    let kernel = Kernel::find()?;
    let initramfs = directory()?.join("initramfs.cpio");
    pack(&initramfs, &programs, &kernel)?;
    boot(&kernel, &initramfs, "the tests")?;
    let initramfs = directory()?.join("service/initramfs.cpio");
    service::pack(&initramfs, &programs)?;
    boot(&kernel, &initramfs, "the service")?;
    Ok(ExitCode::SUCCESS)
}

/// Boots the machine; fails if it does not say that all is well.
fn boot(kernel: &Kernel, initramfs: &Path, what: &str) -> Result<()> {
    let console = qemu::run(kernel, initramfs)?;
    if let Err(error) = console::verdict(&console) {
        say!("{console}");
        return Err(error.context(format!("{what} on Linux {}", kernel.release)));
    }
    say!("{}", console::of_tests(&console));
    say!("{what} on Linux {} passed", kernel.release);
    Ok(())
}

/// Puts together what the machine starts with.
fn pack(path: &Path, programs: &Programs, kernel: &Kernel) -> Result<()> {
    let mut archive = Initramfs::create(path)?;
    archive.program(&programs.init, "/init")?;
    archive.program(&programs.truth, "/truth")?;
    archive.program(&programs.sharing, "/sharing")?;
    // Tests start the tool at the path that cargo built it at.
    archive.program(&programs.copytax, &programs.copytax)?;
    for (index, module) in kernel.modules()?.iter().enumerate() {
        let name = module.file_name().unwrap_or_default().display();
        archive.file(module, format!("/modules/{index:02}-{name}"))?;
    }
    archive.finish()
}
