//! The devices by which what call sites send leaves this machine.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::analysis::diagnosis::Egress;
use crate::host::{kernel, network, processes};
use crate::model::{CallSite, Device, EndpointKind, Host, ProcessId, Profile};

/// The kernel is asked for no more ways: the peers of a server are many, its devices few.
const MOST_PEERS: usize = 1024;

/// Devices by process and sink, of what was sampled on `machine`. Another machine's processes have none, and
/// neither have those that are gone or have a network namespace of their own: what the kernel says here
/// does not hold there.
pub(super) fn devices(machine: &Host, profile: &Profile) -> Egress {
    if *machine != kernel::host() {
        return Egress::new();
    }
    let sites = profile.call_sites.iter();
    let sent: BTreeMap<(ProcessId, Arc<str>), IpAddr> = sites.filter_map(peer_of).collect();
    if sent.is_empty() {
        return Egress::new();
    }
    let devices = network::devices().unwrap_or_else(|error| {
        tracing::debug!("network devices are unknown: {error}");
        Vec::new()
    });
    let mut shares: HashMap<ProcessId, bool> = HashMap::new();
    let mut ways: HashMap<IpAddr, Option<&Device>> = HashMap::new();
    let mut found = Egress::new();
    for ((process, sink), peer) in sent {
        let is_here = *shares.entry(process).or_insert_with(|| is_here(process));
        if !is_here || (ways.len() == MOST_PEERS && !ways.contains_key(&peer)) {
            continue;
        }
        let way = ways.entry(peer).or_insert_with(|| {
            let name = network::egress(peer).ok().flatten()?;
            devices.iter().find(|device| device.name == name)
        });
        if let Some(device) = way {
            found.insert((process, sink), (*device).clone());
        }
    }
    found
}

/// Whether it still runs, in the network namespace of this process.
fn is_here(process: ProcessId) -> bool {
    processes::directory(process).is_some() && network::is_shared_with(process.pid).unwrap_or(false)
}

/// Where a site sends to, if it is another address.
fn peer_of(site: &CallSite) -> Option<((ProcessId, Arc<str>), IpAddr)> {
    let name = site.sink_name.as_ref()?;
    let is_network = matches!(site.sink, EndpointKind::Tcp | EndpointKind::Udp);
    let peer = peer(name).filter(|_| is_network)?;
    Some(((site.process, Arc::clone(name)), peer))
}

/// The peer in the name of a connected socket: `LOCAL -> PEER`, one of them without its port.
fn peer(name: &str) -> Option<IpAddr> {
    let (_, peer) = name.split_once(" -> ")?;
    let with_port = peer.parse::<SocketAddr>().map(|address| address.ip());
    let host = peer.trim_start_matches('[').trim_end_matches(']');
    with_port.or_else(|_| host.parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_of_names() {
        let ip = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(peer("10.0.0.1:80 -> 192.0.2.7"), ip("192.0.2.7"));
        assert_eq!(peer("10.0.0.1 -> 192.0.2.7:80"), ip("192.0.2.7"));
        assert_eq!(peer("[2001:db8::1]:80 -> [2001:db8::2]"), ip("2001:db8::2"));
        assert_eq!(peer("[2001:db8::1] -> [2001:db8::2]:80"), ip("2001:db8::2"));
        for name in ["10.0.0.1:80", "", " -> ", "a -> b", "10.0.0.1 -> [["] {
            assert_eq!(peer(name), None, "{name}");
        }
    }
}
