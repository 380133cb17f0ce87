//! What bytes are sent over.

/// What bytes are sent over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// TCP over the loopback device
    Tcp,
    /// TCP over a pair of virtual devices between two network namespaces (root only)
    Veth,
    /// A pair of unix stream sockets
    Unix,
    /// None: from file to file
    File,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Veth, Self::Unix, Self::File];

    /// What options and reports call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Veth => "veth",
            Self::Unix => "unix",
            Self::File => "file",
        }
    }
}
