//! Network devices of this machine's namespace, and what they can take over from the processor.

mod ethtool;
mod netlink;
mod route;

use std::collections::BTreeMap;
use std::io;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

pub use route::egress;

/// A device that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Whether what it sends comes back to this machine.
    pub is_loopback: bool,
    /// What it does itself; `None` where that could not be known.
    pub offloads: Option<Offloads>,
}

/// What a device does itself with what is sent by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offloads {
    /// Collects a packet from several places of memory: without it the kernel must copy.
    pub scatter_gather: bool,
    /// Cuts segments of TCP out of large ones.
    pub tcp_segmentation: bool,
    /// Computes checksums, of one version of IP at least.
    pub tx_checksum: bool,
    /// Encrypts records of kernel TLS.
    pub tls_tx: bool,
}

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
