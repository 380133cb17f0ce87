//! Steps that are a list of Debian packages.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::apt::Apt;
use super::{State, Step};
use crate::shell;

/// How one sees that a package, or the same thing from elsewhere, is there.
#[derive(Debug, Clone, Copy)]
enum Proof {
    Program(&'static str),
    File(&'static str),
}

impl Proof {
    fn holds(self) -> bool {
        match self {
            // Servers lie in a directory that an ordinary user's PATH leaves out.
            Self::Program(name) => {
                which::which(name).is_ok() || Path::new("/usr/sbin").join(name).exists()
            }
            Self::File(path) => Path::new(path).exists(),
        }
    }
}

/// Packages that are needed together.
#[derive(Debug)]
pub(super) struct Packages {
    what: &'static str,
    list: &'static [(&'static str, Proof)],
}

/// What any build needs. The linker must have been there for this program to be built.
pub(super) const BUILD: Packages = Packages {
    what: "packages that a build needs",
    list: &[
        ("gcc", Proof::Program("cc")),
        ("libc6-dev", Proof::File("/usr/include/stdio.h")),
        (
            "ca-certificates",
            Proof::File("/etc/ssl/certs/ca-certificates.crt"),
        ),
    ],
};

/// Servers to watch, and tracers whose counts ours must equal.
pub(super) const TESTS: Packages = Packages {
    what: "packages that the tests need",
    list: &[
        ("nginx-light", Proof::Program("nginx")),
        ("python3", Proof::Program("python3")),
        ("strace", Proof::Program("strace")),
        ("bpftrace", Proof::Program("bpftrace")),
        ("procps", Proof::Program("ps")),
    ],
};

/// The virtual machine, all of it emulated.
pub(super) const MACHINE: Packages = Packages {
    what: "packages that the virtual machine needs",
    list: &[("qemu-system-x86", Proof::Program("qemu-system-x86_64"))],
};

impl Packages {
    fn missing(&self) -> Vec<&'static str> {
        self.list
            .iter()
            .filter(|(_, proof)| !proof.holds())
            .map(|(name, _)| *name)
            .collect()
    }
}

impl Step for Packages {
    fn name(&self) -> String {
        self.what.to_owned()
    }

    fn probe(&self) -> State {
        let missing = self.missing();
        if missing.is_empty() {
            let all: Vec<_> = self.list.iter().map(|(name, _)| *name).collect();
            State::Have(all.join(", "))
        } else {
            State::Missing(missing.join(", "))
        }
    }

    fn provide(&self, apt: &mut Apt) -> Result<()> {
        let missing = self.missing();
        apt.install(&missing)?;
        // Installed for its binary: the machine's next boot is not to start a server either.
        if missing.contains(&"nginx-light") && Path::new("/run/systemd/system").exists() {
            shell::run(Command::new("systemctl").args(["disable", "--now", "--quiet", "nginx"]))?;
        }
        Ok(())
    }
}
