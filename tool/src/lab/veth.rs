//! Two network namespaces with a cable between them.
//!
//! Neither has a name: they are there as long as this process has their descriptors, or sockets in them,
//! and the pair of devices goes with them. So nothing has to be removed, however the process ends.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::process::{Command, Stdio, id};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

use super::paths::unavailable;

/// Of documentation's network (RFC 5737): nothing else is in these namespaces.
const NEAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// The devices, each in its namespace.
const DEVICE: &str = "lab0";

/// Both namespaces.
pub(super) struct Veth {
    near: File,
    far: File,
}

impl Veth {
    /// Makes them, and the devices by `ip` of iproute2.
    ///
    /// # Errors
    ///
    /// `Unsupported` where this user may not, or there is no `ip`; what `ip` says.
    pub(super) fn new() -> io::Result<Self> {
        let veth = Self {
            near: namespace()?,
            far: namespace()?,
        };
        let far = format!("/proc/{}/fd/{}", id(), veth.far.as_raw_fd());
        let pair = [
            "link", "add", DEVICE, "type", "veth", "peer", "name", DEVICE,
        ];
        inside(&veth.near, || {
            ip(pair.into_iter().chain(["netns", &far]))?;
            up(NEAR)
        })?;
        inside(&veth.far, || up(FAR))?;
        Ok(veth)
    }

    /// Does this in the namespace of the one that sends, whose address it is told.
    pub(super) fn near<T: Send>(
        &self,
        work: impl FnOnce(Ipv4Addr) -> io::Result<T> + Send,
    ) -> io::Result<T> {
        inside(&self.near, || work(NEAR))
    }

    /// Likewise, of the one that receives.
    pub(super) fn far<T: Send>(
        &self,
        work: impl FnOnce(Ipv4Addr) -> io::Result<T> + Send,
    ) -> io::Result<T> {
        inside(&self.far, || work(FAR))
    }
}

/// A new one. Only the thread that asks for it is in it, and ends.
fn namespace() -> io::Result<File> {
    on_a_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| match error {
            nix::Error::EPERM => {
                unavailable("network namespaces are made by root only (CAP_SYS_ADMIN)")
            }
            nix::Error::EINVAL | nix::Error::ENOSPC => {
                unavailable("this kernel makes no more network namespaces")
            }
            error => error.into(),
        })?;
        File::open("/proc/thread-self/ns/net")
    })
}

fn inside<T: Send>(namespace: &File, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    on_a_thread(|| {
        setns(namespace, CloneFlags::CLONE_NEWNET)?;
        work()
    })
}

/// Threads have their own namespaces, and so do the processes that they start.
fn on_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let joined = scope.spawn(work).join();
        joined.unwrap_or_else(|_| Err(io::Error::other("a thread failed")))
    })
}

fn up(address: Ipv4Addr) -> io::Result<()> {
    let address = format!("{address}/24");
    ip(["address", "add", &address, "dev", DEVICE])?;
    ip(["link", "set", DEVICE, "up"])
}

fn ip<'a>(words: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
    let mut command = Command::new("ip");
    command.args(words).stdin(Stdio::null());
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => unavailable("`ip` of iproute2 is not installed"),
        _ => error,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(unavailable(format!("`ip` failed: {}", said.trim())))
}
