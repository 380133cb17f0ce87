//! Offloads of devices: `include/uapi/linux/ethtool_netlink.h`, Linux 5.8 and later.

use std::collections::BTreeMap;
use std::io;

use rustix::net::netlink;

use crate::model::Offloads;

use super::netlink::{DUMP, NESTED, Socket, attribute, attributes, find, text, u16_at};

/// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME`
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// `ETHTOOL_MSG_FEATURES_GET`
const GET_FEATURES: u8 = 11;
/// `ETHTOOL_A_FEATURES_HEADER`, `ETHTOOL_A_HEADER_DEV_NAME`
const HEADER: u16 = 1;
const DEVICE_NAME: u16 = 2;
/// `ETHTOOL_A_FEATURES_ACTIVE`, `ETHTOOL_A_BITSET_BITS`, `ETHTOOL_A_BITSET_BITS_BIT`,
/// `ETHTOOL_A_BITSET_BIT_NAME`
const ACTIVE: u16 = 4;
const BITS: u16 = 3;
const BIT: u16 = 1;
const BIT_NAME: u16 = 2;
/// Bytes of the header of a family (`struct genlmsghdr`).
const FAMILY_HEADER: usize = 4;

/// Offloads of all devices of this network namespace, by name.
pub(super) fn offloads() -> io::Result<BTreeMap<String, Offloads>> {
    let mut socket = Socket::open(Some(netlink::GENERIC))?;
    let mut family = None;
    let name = attribute(FAMILY_NAME, b"ethtool\0");
    socket.ask(CONTROL, 0, &request(GET_FAMILY, &name), |reply| {
        let id = reply
            .get(FAMILY_HEADER..)
            .and_then(|body| find(body, FAMILY_ID));
        family = id.and_then(|id| u16_at(id, 0));
    })?;
    let family = family.ok_or_else(|| io::Error::other("the kernel has no ethtool netlink"))?;
    let mut devices = BTreeMap::new();
    let header = attribute(HEADER | NESTED, &[]);
    socket.ask(family, DUMP, &request(GET_FEATURES, &header), |reply| {
        devices.extend(reply.get(FAMILY_HEADER..).and_then(device));
    })?;
    Ok(devices)
}

fn request(command: u8, body: &[u8]) -> Vec<u8> {
    [&[command, 1, 0, 0], body].concat()
}

/// Name and offloads in one message.
fn device(body: &[u8]) -> Option<(String, Offloads)> {
    let name = find(find(body, HEADER)?, DEVICE_NAME)?;
    // Bits that are not set are not there.
    let active = find(find(body, ACTIVE)?, BITS)?;
    let active: Vec<_> = attributes(active)
        .filter(|(kind, _)| *kind == BIT)
        .filter_map(|(_, bit)| find(bit, BIT_NAME))
        .map(text)
        .collect();
    // `netdev_features_strings` in net/ethtool/common.c
    let is_active = |name: &str| active.iter().any(|active| active == name);
    let offloads = Offloads {
        scatter_gather: is_active("tx-scatter-gather"),
        tcp_segmentation: is_active("tx-tcp-segmentation"),
        tx_checksum: [
            "tx-checksum-ip-generic",
            "tx-checksum-ipv4",
            "tx-checksum-ipv6",
        ]
        .into_iter()
        .any(is_active),
        tls_tx: is_active("tls-hw-tx-offload"),
    };
    Some((text(name), offloads))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as the kernel makes it.
    fn message(name: &str, active: &[&str]) -> Vec<u8> {
        let text = |kind, text: &str| attribute(kind, format!("{text}\0").as_bytes());
        let bits: Vec<u8> = active
            .iter()
            .flat_map(|feature| attribute(BIT | NESTED, &text(BIT_NAME, feature)))
            .collect();
        let header = attribute(HEADER | NESTED, &text(DEVICE_NAME, name));
        let bits = attribute(BITS | NESTED, &bits);
        [header, attribute(ACTIVE | NESTED, &bits)].concat()
    }

    #[test]
    fn what_is_active_is_on() {
        let all = [
            "tx-scatter-gather",
            "tx-checksum-ipv4",
            "tls-hw-tx-offload",
            "rx-all",
        ];
        let expected = Offloads {
            scatter_gather: true,
            tcp_segmentation: false,
            tx_checksum: true,
            tls_tx: true,
        };
        assert_eq!(
            device(&message("eth0", &all)),
            Some(("eth0".to_owned(), expected))
        );
        let none = device(&message("eth1", &[])).map(|(_, offloads)| offloads);
        assert_eq!(none, Some(Offloads::default()));
        assert_eq!(device(&attribute(HEADER | NESTED, &[])), None);
        assert_eq!(device(&[]), None);
    }
}
