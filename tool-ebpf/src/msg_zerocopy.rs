//! `MSG_ZEROCOPY`: sockets that take the memory of a send by reference.

use copytax_common::EndpointKind;

use crate::{
    endpoint::{Endpoint, IPPROTO_TCP, IPPROTO_UDP},
    kernel::read,
    layout::layout,
};

/// `include/linux/socket.h`
pub(crate) const MSG_ZEROCOPY: u64 = 0x0400_0000;

/// Whether the socket takes memory by reference when it is asked to.
///
/// Without `SO_ZEROCOPY` the flag is ignored, and protocols other than these copy whatever is asked
/// (`net/ipv4/tcp.c`, `net/ipv4/ip_output.c`, `net/vmw_vsock/virtio_transport_common.c`, Linux 6.18).
#[inline(always)]
pub(crate) fn is_honoured(sink: &Endpoint) -> bool {
    let sock = sink.sock();
    let flags: u64 = read(sock, layout!(id_sock), layout!(sock_flags));
    if flags >> (layout!(sock_zerocopy) & 63) & 1 == 0 {
        return false;
    }
    let protocol: u16 = read(sock, layout!(id_sock), layout!(sock_protocol));
    match sink.kind {
        // MPTCP is of this kind too.
        EndpointKind::Tcp => protocol == IPPROTO_TCP,
        EndpointKind::Udp => protocol == IPPROTO_UDP,
        EndpointKind::Vsock => true,
        _ => false,
    }
}
