//! The kernel of the virtual machine: Debian's package, unpacked and never installed.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::apt::Apt;
use super::{State, Step};
use crate::shell;
use crate::vm::kernel::{self, Kernel, RELEASE};

/// Depends on the newest one of Debian 12.
const NEWEST: &str = "linux-image-cloud-amd64";

/// The step that downloads and unpacks it.
#[derive(Debug)]
pub(super) struct GuestKernel;

impl Step for GuestKernel {
    fn name(&self) -> String {
        "kernel of the virtual machine".to_owned()
    }

    fn probe(&self) -> State {
        match Kernel::find() {
            Ok(kernel) => State::Have(kernel.release),
            Err(error) => State::Missing(format!("{error:#}")),
        }
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        let directory = kernel::directory()?;
        let partial = directory.with_extension("partial");
        for old in [&directory, &partial] {
            if old.exists() {
                fs::remove_dir_all(old)
                    .with_context(|| format!("cannot remove {}", old.display()))?;
            }
        }
        fs::create_dir_all(&partial)?;
        let depends = apt.show(NEWEST)?;
        let package = package(&depends)
            .with_context(|| format!("{NEWEST} of this Debian is no kernel {RELEASE}x"))?;
        let archive = apt.download(package, &partial)?;
        shell::run(
            Command::new("dpkg-deb")
                .arg("-x")
                .arg(&archive)
                .arg(&partial),
        )?;
        fs::remove_file(&archive)?;
        fs::rename(&partial, &directory)
            .with_context(|| format!("cannot move {} in place", partial.display()))
    }
}

/// The kernel that the package [`NEWEST`] depends on, if it is of the wanted release.
fn package(show: &str) -> Option<&str> {
    let wanted = format!("linux-image-{RELEASE}");
    show.lines()
        .filter_map(|line| line.strip_prefix("Depends: "))
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_end_matches(','))
        .find(|word| word.starts_with(&wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_found() {
        let show = "Package: x\nDepends: linux-image-6.1.0-56-cloud-amd64 (= 6.1.192-2)\n";
        assert_eq!(package(show), Some("linux-image-6.1.0-56-cloud-amd64"));
        let other = "Depends: linux-image-6.12.9-cloud-amd64\n";
        assert_eq!(package(other), None);
    }
}
