//! Which device packets leave by: `include/uapi/linux/rtnetlink.h`.

use std::io;
use std::net::IpAddr;

use rustix::net::netdevice::index_to_name;
use rustix::net::{AddressFamily, Protocol, SocketType, socket};

use super::netlink::{Socket, attribute, find, u32_at};

/// `NETLINK_ROUTE`, which is 0
const ROUTE: Option<Protocol> = None;
/// `RTM_GETROUTE`
const GET_ROUTE: u16 = 26;
/// `RTA_DST`, `RTA_OIF`
const DESTINATION: u16 = 1;
const DEVICE: u16 = 4;
/// `sizeof(struct rtmsg)`
const HEADER: usize = 12;

/// Name of the device by which this network namespace sends to `destination`; `None` where the kernel
/// names none.
///
/// # Errors
///
/// `ENETUNREACH` and others where there is no way, and whatever keeps the kernel from answering.
pub fn egress(destination: IpAddr) -> io::Result<Option<String>> {
    let (family, address) = match destination.to_canonical() {
        IpAddr::V4(address) => (AddressFamily::INET, address.octets().to_vec()),
        IpAddr::V6(address) => (AddressFamily::INET6, address.octets().to_vec()),
    };
    let mut body = [0_u8; HEADER];
    body[0] = u8::try_from(family.as_raw()).unwrap_or(0);
    // The bits of the address that count: all of them.
    body[1] = u8::try_from(address.len() * 8).unwrap_or(0);
    let body = [body.as_slice(), &attribute(DESTINATION, &address)].concat();
    let mut device = None;
    Socket::open(ROUTE)?.ask(GET_ROUTE, 0, &body, |reply| {
        let found = reply.get(HEADER..).and_then(|body| find(body, DEVICE));
        device = found.and_then(|index| u32_at(index, 0));
    })?;
    let Some(device) = device else {
        return Ok(None);
    };
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    Ok(Some(index_to_name(any, device)?))
}
