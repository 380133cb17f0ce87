//! Network devices of this machine's namespace, and what they can take over from the processor.

mod ethtool;
mod netlink;
mod route;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use crate::model::Device;

pub use route::egress;

/// Devices that are up, by name.
///
/// # Errors
///
/// Those of getifaddrs(3). Offloads that cannot be known are `None`.
pub fn devices() -> io::Result<Vec<Device>> {
    // A device is listed once for each of its addresses.
    let flags: BTreeMap<_, _> = getifaddrs()?
        .map(|device| (device.interface_name, device.flags))
        .collect();
    let offloads = ethtool::offloads().unwrap_or_else(|error| {
        tracing::debug!("offloads of network devices are unknown: {error}");
        BTreeMap::new()
    });
    let up = flags
        .into_iter()
        .filter(|(_, flags)| flags.contains(InterfaceFlags::IFF_UP));
    Ok(up
        .map(|(name, flags)| Device {
            offloads: offloads.get(&name).copied(),
            is_loopback: flags.contains(InterfaceFlags::IFF_LOOPBACK),
            name,
        })
        .collect())
}

/// Whether a process has the network namespace of this one, so that what is known here holds for it.
///
/// # Errors
///
/// It is gone, or nobody may look.
pub fn is_shared_with(pid: u32) -> io::Result<bool> {
    let namespace = |process: &str| {
        let facts = fs::metadata(format!("/proc/{process}/ns/net"))?;
        io::Result::Ok((facts.dev(), facts.ino()))
    };
    Ok(namespace(&pid.to_string())? == namespace("self")?)
}
