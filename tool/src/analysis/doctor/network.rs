//! Whether zero-copy helps what leaves by a device. No I/O.

use crate::model::{Device, Offloads};

/// What zero-copy does for what is sent by a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZeroCopy {
    /// It saves the copy.
    Helps,
    /// It saves less than elsewhere.
    HelpsLess,
    /// The kernel copies all the same.
    Copied,
    /// Not known.
    Unknown,
}

impl ZeroCopy {
    /// Name, as in the JSON output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Helps => "helps",
            Self::HelpsLess => "helps_less",
            Self::Copied => "copied",
            Self::Unknown => "unknown",
        }
    }
}

/// What zero-copy does for what is sent by `device`, and a sentence that says why.
///
/// `tcp_sendmsg_locked` (net/ipv4/tcp.c) takes pages by reference only where the route's device has
/// scatter-gather; a device has that only with checksums (`netdev_fix_features`, net/core/dev.c).
/// `skb_orphan_frags_rx` copies what `MSG_ZEROCOPY` lent when it is received by this machine.
#[must_use]
pub fn zero_copy(device: &Device) -> (ZeroCopy, &'static str) {
    let Some(offloads) = device.offloads else {
        return (
            ZeroCopy::Unknown,
            "the kernel does not say what the device can do.",
        );
    };
    match offloads {
        Offloads {
            scatter_gather: false,
            ..
        } => (
            ZeroCopy::Copied,
            "without scatter-gather the kernel copies what sendfile, splice and MSG_ZEROCOPY send.",
        ),
        _ if device.is_loopback => (
            ZeroCopy::HelpsLess,
            "sendfile and splice save a copy; MSG_ZEROCOPY does not, as the receiver is on this \
             machine.",
        ),
        Offloads {
            tx_checksum: false, ..
        } => (
            ZeroCopy::HelpsLess,
            "a copy is saved, but the processor reads every byte for the checksum.",
        ),
        Offloads {
            tcp_segmentation: false,
            ..
        } => (
            ZeroCopy::HelpsLess,
            "a copy is saved, but the processor makes every packet (no TSO).",
        ),
        Offloads { tls_tx: true, .. } => (
            ZeroCopy::Helps,
            "a copy is saved, and kernel TLS is encrypted by the device.",
        ),
        _ => (
            ZeroCopy::Helps,
            "a copy is saved; kernel TLS is encrypted by the processor.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{ZeroCopy, zero_copy};
    use crate::model::{Device, Offloads};

    const ALL: Offloads = Offloads {
        scatter_gather: true,
        tcp_segmentation: true,
        tx_checksum: true,
        tls_tx: true,
    };

    fn of(is_loopback: bool, offloads: Option<Offloads>) -> ZeroCopy {
        let name = "eth0".to_owned();
        let (zero_copy, sentence) = zero_copy(&Device {
            name,
            is_loopback,
            offloads,
        });
        assert!(sentence.ends_with('.'));
        zero_copy
    }

    #[test]
    fn each_device() {
        assert_eq!(of(false, Some(ALL)), ZeroCopy::Helps);
        assert_eq!(of(true, Some(ALL)), ZeroCopy::HelpsLess);
        assert_eq!(of(false, None), ZeroCopy::Unknown);
        for (offloads, expected) in [
            (
                Offloads {
                    scatter_gather: false,
                    ..ALL
                },
                ZeroCopy::Copied,
            ),
            (
                Offloads {
                    tx_checksum: false,
                    ..ALL
                },
                ZeroCopy::HelpsLess,
            ),
            (
                Offloads {
                    tcp_segmentation: false,
                    ..ALL
                },
                ZeroCopy::HelpsLess,
            ),
            (
                Offloads {
                    tls_tx: false,
                    ..ALL
                },
                ZeroCopy::Helps,
            ),
            (Offloads::default(), ZeroCopy::Copied),
        ] {
            assert_eq!(of(false, Some(offloads)), expected, "{offloads:?}");
        }
    }
}
