//! The unit of `deploy/systemd`, started by a real systemd: a second boot, of little more than that.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::initramfs::Initramfs;
use super::programs::Programs;
use crate::workspace;

/// Debian's systemd.
const SYSTEMD: &str = "/lib/systemd/systemd";

/// The folder of its units.
const UNITS: &str = "/lib/systemd/system";

/// Those that others need.
const NEEDED: [&str; 5] = [
    "basic.target",
    "network.target",
    "shutdown.target",
    "sys-kernel-tracing.mount",
    "sysinit.target",
];

/// A shell, and the few programs that it needs, in one, without libraries.
const BUSYBOX: &str = "/bin/busybox";

/// Folders that nobody makes there.
const FOLDERS: [&str; 4] = ["/tmp", "/var/lib", "/var/log", "/var/tmp"];

/// Small files.
const FILES: [(&str, &str); 8] = [
    ("/etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
    ("/etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
    ("/etc/nsswitch.conf", "passwd: files\ngroup: files\n"),
    (
        "/etc/passwd",
        "root:x:0:0::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n",
    ),
    ("/etc/systemd/system.conf", include_str!("system.conf")),
    (
        "/etc/systemd/system/default.target",
        include_str!("default.target"),
    ),
    (
        "/etc/systemd/system/look.service",
        include_str!("look.service"),
    ),
    ("/look.sh", include_str!("look.sh")),
];

/// Puts together what the machine starts with.
pub(super) fn pack(path: &Path, programs: &Programs) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut archive = Initramfs::create(path)?;
    archive.program(Path::new(SYSTEMD), "/init")?;
    archive.program(Path::new(SYSTEMD), SYSTEMD)?;
    archive.file(Path::new(BUSYBOX), BUSYBOX)?;
    archive.program(&programs.copytax, "/usr/local/bin/copytax")?;
    let unit = workspace::root().join("deploy/systemd/copytax.service");
    archive.file(&unit, "/etc/systemd/system/copytax.service")?;
    for name in NEEDED {
        let unit = Path::new(UNITS).join(name);
        archive.file(&unit, &unit)?;
    }
    for (to, content) in FILES {
        archive.text(content, to)?;
    }
    for folder in FOLDERS {
        archive.folder(folder)?;
    }
    archive.finish()
}
