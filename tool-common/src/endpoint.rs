//! Kinds of endpoints.

use crate::decode::tagged;

tagged! {
    /// What a descriptor leads to.
    EndpointKind("endpoint kind") {
        /// No descriptor: the far side is the process itself.
        None = 0 => "none",
        /// Regular file.
        File = 1 => "file",
        /// TCP socket, IPv4 or IPv6.
        Tcp = 2 => "tcp",
        /// UDP socket, IPv4 or IPv6.
        Udp = 3 => "udp",
        /// `AF_UNIX` stream socket.
        Unix = 4 => "unix",
        /// `AF_UNIX` datagram or sequenced-packet socket: message boundaries matter.
        UnixDatagram = 5 => "unix_datagram",
        /// `AF_VSOCK` socket.
        Vsock = 6 => "vsock",
        /// Socket of another family.
        Socket = 7 => "socket",
        /// Pipe or FIFO.
        Pipe = 8 => "pipe",
        /// Block device.
        Block = 9 => "block",
        /// Character device.
        Char = 10 => "char",
        /// eventfd, timerfd, inotify, directory and the like.
        Other = 11 => "other",
        /// Memory of a process, by `vmsplice`.
        Memory = 12 => "memory",
        /// The descriptor was closed or replaced before the call's exit could be looked at.
        Unknown = 13 => "unknown",
        /// Memory of a process, given away by `vmsplice` with `SPLICE_F_GIFT`.
        GiftedMemory = 14 => "gifted_memory",
    }
}

impl EndpointKind {
    /// Whether the kind is a socket of any family.
    #[must_use]
    pub const fn is_socket(self) -> bool {
        matches!(
            self,
            Self::Tcp | Self::Udp | Self::Unix | Self::UnixDatagram | Self::Vsock | Self::Socket
        )
    }
}
