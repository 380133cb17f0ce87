//! Network devices.

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
