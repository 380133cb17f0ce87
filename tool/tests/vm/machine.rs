//! The virtual machine, seen from its process 1.

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;

use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot};

/// What is mounted where, by type.
const MOUNTS: [(&CStr, &str); 7] = [
    (c"proc", "/proc"),
    (c"sysfs", "/sys"),
    (c"devtmpfs", "/dev"),
    (c"tmpfs", "/tmp"),
    (c"tracefs", "/sys/kernel/tracing"),
    (c"securityfs", "/sys/kernel/security"),
    (c"cgroup2", "/sys/fs/cgroup"),
];

/// Kernel modules, in the order of their names.
const MODULES: &str = "/modules";

/// Makes the bare machine one that programs can run on.
pub(crate) fn prepare() -> Result<()> {
    for (kind, target) in MOUNTS {
        fs::create_dir_all(target)?;
        match mount(kind, target, kind, MountFlags::empty(), None) {
            // The kernel mounts devtmpfs itself where it is configured to.
            Ok(()) | Err(Errno::BUSY) => {}
            Err(error) => return Err(error).with_context(|| format!("mount {target}")),
        }
    }
    load_modules()?;
    loopback_up().context("the interface lo")
}

fn load_modules() -> Result<()> {
    let mut files: Vec<_> = fs::read_dir(MODULES)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for path in files {
        finit_module(File::open(&path)?, c"", 0)
            .with_context(|| format!("module {}", path.display()))?;
    }
    Ok(())
}

fn loopback_up() -> Result<()> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: a structure of integers and an array; zero is a value of each.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(*b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request lives as long as the call runs.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(())
}

/// How long the machine has run, in words.
pub(crate) fn uptime() -> Result<String> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds = text.split(' ').next().context("an empty /proc/uptime")?;
    Ok(format!("up {seconds} s"))
}

/// Ends the machine.
pub(crate) fn power_off() -> ! {
    let error = reboot(RebootCommand::PowerOff);
    // The end of process 1 is a panic of the kernel, which ends the machine as well.
    panic!("power off: {error:?}")
}
