//! What a TCP socket does with pages.

use copytax_common::Sharing;

use super::copy;
use crate::{endpoint::IPPROTO_MPTCP, kernel::read, layout::layout};

/// `include/linux/netdev_features.h`: the feature with bit 0.
const NETIF_F_SG: u64 = 1;
/// Name of the ULP of kernel TLS, with its end.
const TLS: u32 = u32::from_ne_bytes(*b"tls\0");
/// `tx_conf` of `struct tls_context` (`include/net/tls.h`), and its width.
const TLS_BASE: u8 = 0;
const TLS_SW: u8 = 1;
const TLS_HW: u8 = 2;
const TX_CONF_MASK: u8 = 7;

/// Sends by TCP, or by its ULP.
///
/// TCP itself always takes pages, since GSO is always on (`sk_setup_caps` of `net/core/sock.c`, 4.17
/// and later). What the device of its route does not take is copied on the way to it
/// (`validate_xmit_skb` of `net/core/dev.c`).
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sharing_of_tcp(file: u64) -> u64 {
    let socket: u64 = read(file, layout!(id_file), layout!(file_private_data));
    let sock: u64 = read(socket, layout!(id_socket), layout!(socket_sk));
    if layout!(sharing.net_device_features) == 0 || layout!(sharing.icsk_ulp_ops) == 0 {
        return Sharing::UnknownSink as u64;
    }
    let protocol: u16 = read(sock, layout!(id_sock), layout!(sock_protocol));
    if protocol == IPPROTO_MPTCP {
        return Sharing::UnknownSink as u64;
    }
    let id = layout!(sharing.id_inet_connection_sock);
    let ulp: u64 = read(sock, id, layout!(sharing.icsk_ulp_ops));
    if ulp != 0 {
        let name = copy::<u32>(ulp, layout!(sharing.ulp_ops_name));
        if name != Some(TLS) {
            return Sharing::UnknownSink as u64;
        }
        let context: u64 = read(sock, id, layout!(sharing.icsk_ulp_data));
        let sharing = of_tls(context);
        if sharing as u8 != Sharing::None as u8 {
            return sharing as u64;
        }
    }
    let route: u64 = read(sock, layout!(id_sock), layout!(sharing.sock_dst_cache));
    let (id_route, id_device) = (
        layout!(sharing.id_dst_entry),
        layout!(sharing.id_net_device),
    );
    let device: u64 = read(route, id_route, layout!(sharing.dst_dev));
    if device == 0 {
        return Sharing::UnknownSink as u64;
    }
    let features: u64 = read(device, id_device, layout!(sharing.net_device_features));
    if features & NETIF_F_SG == 0 {
        return Sharing::NoScatterGather as u64;
    }
    Sharing::None as u64
}

/// A socket with kernel TLS (`struct tls_context`).
#[inline(always)]
fn of_tls(context: u64) -> Sharing {
    let offset = layout!(sharing.tls_tx_conf);
    if offset == 0 {
        return Sharing::KtlsUnknown;
    }
    let Some(bits) = copy::<u8>(context, offset) else {
        return Sharing::KtlsUnknown;
    };
    match (bits >> (layout!(sharing.tls_tx_conf_shift) & 7)) & TX_CONF_MASK {
        // The sending half is not set up: plain TCP.
        TLS_BASE => Sharing::None,
        TLS_SW => Sharing::KtlsSoftware,
        TLS_HW if is_zerocopy(context) => Sharing::None,
        TLS_HW => Sharing::KtlsDevice,
        _ => Sharing::KtlsUnknown,
    }
}

/// Whether `TLS_TX_ZEROCOPY_RO` is set (5.19 and later).
#[inline(always)]
fn is_zerocopy(context: u64) -> bool {
    let offset = layout!(sharing.tls_zerocopy);
    let bits = copy::<u8>(context, offset).unwrap_or(0);
    offset != 0 && bits >> (layout!(sharing.tls_zerocopy_shift) & 7) & 1 != 0
}
