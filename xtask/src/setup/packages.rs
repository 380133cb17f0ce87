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

/// Programs to watch, what to build and to mount some of them with, and tracers whose counts ours
/// must equal.
pub(super) const TESTS: Packages = Packages {
    what: "packages that the tests need",
    list: &[
        ("nginx-light", Proof::Program("nginx")),
        ("haproxy", Proof::Program("haproxy")),
        ("apache2-bin", Proof::Program("apache2")),
        ("lighttpd", Proof::Program("lighttpd")),
        ("default-jdk-headless", Proof::Program("javac")),
        (
            "libnetty-java",
            Proof::File("/usr/share/java/netty-handler.jar"),
        ),
        (
            "libtomcat10-java",
            Proof::File("/usr/share/java/tomcat10-catalina.jar"),
        ),
        (
            "libtomcat9-java",
            Proof::File("/usr/share/java/tomcat9-catalina.jar"),
        ),
        (
            "libspring-web-servlet-java",
            Proof::File("/usr/share/java/spring3-web.servlet.jar"),
        ),
        ("nodejs", Proof::Program("node")),
        ("npm", Proof::Program("npm")),
        ("chromium", Proof::Program("chromium")),
        ("tmux", Proof::Program("tmux")),
        ("ruby", Proof::Program("ruby")),
        ("php-cli", Proof::Program("php")),
        ("sqlite3", Proof::Program("sqlite3")),
        ("git", Proof::Program("git")),
        ("redis-server", Proof::Program("redis-server")),
        ("postgresql", Proof::Program("pg_ctlcluster")),
        ("rsync", Proof::Program("rsync")),
        ("openssh-client", Proof::Program("ssh-keygen")),
        ("curl", Proof::Program("curl")),
        ("netcat-openbsd", Proof::Program("nc.openbsd")),
        ("openssl", Proof::Program("openssl")),
        ("bindfs", Proof::Program("bindfs")),
        ("e2fsprogs", Proof::Program("mkfs.ext4")),
        ("xfsprogs", Proof::Program("mkfs.xfs")),
        ("btrfs-progs", Proof::Program("mkfs.btrfs")),
        ("g++", Proof::Program("c++")),
        ("musl-tools", Proof::Program("musl-gcc")),
        ("gcc-multilib", Proof::File("/usr/include/asm")),
        (
            "libc6-dev-i386",
            Proof::File("/usr/include/x86_64-linux-gnu/gnu/stubs-32.h"),
        ),
        ("liburing-dev", Proof::File("/usr/include/liburing.h")),
        ("python3", Proof::Program("python3")),
        ("golang-1.19-go", Proof::File("/usr/lib/go-1.19/bin/go")),
        ("strace", Proof::Program("strace")),
        ("wrk", Proof::Program("wrk")),
        ("bpftrace", Proof::Program("bpftrace")),
        ("prometheus", Proof::Program("promtool")),
        ("linux-perf", Proof::Program("perf")),
        ("systemd", Proof::Program("systemd-analyze")),
        ("containerd", Proof::Program("containerd")),
        ("runc", Proof::Program("runc")),
        ("kubernetes-client", Proof::Program("kubectl")),
        ("procps", Proof::Program("ps")),
        ("mount", Proof::Program("losetup")),
        ("iproute2", Proof::Program("ip")),
    ],
};

/// The virtual machine, all of it emulated.
pub(super) const MACHINE: Packages = Packages {
    what: "packages that the virtual machine needs",
    list: &[
        ("qemu-system-x86", Proof::Program("qemu-system-x86_64")),
        ("busybox-static", Proof::File("/bin/busybox")),
        ("systemd", Proof::File("/lib/systemd/systemd")),
    ],
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
        for (package, service) in [
            ("nginx-light", "nginx"),
            ("haproxy", "haproxy"),
            ("lighttpd", "lighttpd"),
            ("redis-server", "redis-server"),
            ("postgresql", "postgresql"),
            ("rsync", "rsync"),
            ("containerd", "containerd"),
        ] {
            if missing.contains(&package) && Path::new("/run/systemd/system").exists() {
                let disable = ["disable", "--now", "--quiet", service];
                shell::run(Command::new("systemctl").args(disable))?;
            }
        }
        Ok(())
    }
}
