//! Whether bytes that moved by a zero-copy call were shared, or copied by the kernel after all.

use crate::decode::tagged;

tagged! {
    /// Why bytes of a zero-copy call count as shared, as copied by the kernel, or as neither.
    Sharing("sharing") {
        /// No zero-copy call: the question does not arise.
        None = 0 => "none",
        /// Pages of the source went to the sink by reference.
        Pages = 1 => "pages",
        /// The kernel's completion says that it sent the memory by reference.
        CompletedShared = 2 => "completion",
        /// The source is open with `O_DIRECT`, or is a DAX file: it is read into new pages.
        DirectIo = 3 => "direct_io",
        /// The source's `splice_read` is `copy_splice_read`, which reads into new pages.
        CopySpliceRead = 4 => "copy_splice_read",
        /// The source is a FUSE file open with `FOPEN_DIRECT_IO`, and the kernel older than 6.5.
        FuseDirectIo = 5 => "fuse_direct_io",
        /// The sink is a file: its page cache gets a copy.
        PageCacheWrite = 6 => "page_cache_write",
        /// The sink's device takes no scattered pages.
        NoScatterGather = 7 => "no_scatter_gather",
        /// The sink encrypts in software (kernel TLS): one pass into new pages.
        KtlsSoftware = 8 => "ktls_software",
        /// The sink's device encrypts (kernel TLS), without `TLS_TX_ZEROCOPY_RO`.
        KtlsDevice = 9 => "ktls_device",
        /// The kernel's completion says that it copied the memory (`SO_EE_CODE_ZEROCOPY_COPIED`).
        CompletedCopied = 10 => "completion_copied",
        /// The process has not read the completion, or did not ask for it.
        CompletionUnread = 11 => "completion_unread",
        /// A socket's linear buffers are copied into a pipe, its page fragments are not.
        SocketSource = 12 => "socket_source",
        /// The file system copies by itself, and may share extents; whether it did is not known.
        MaybeReflink = 13 => "maybe_reflink",
        /// The source's `splice_read` is not known.
        UnknownSource = 14 => "unknown_source",
        /// What the sink does with pages is not known.
        UnknownSink = 15 => "unknown_sink",
        /// The sink encrypts (kernel TLS); whether in software or in its device is not known.
        KtlsUnknown = 16 => "ktls_unknown",
    }
}

/// What became of the bytes of a zero-copy call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SharingVerdict {
    /// Moved by reference.
    Shared,
    /// Copied by the kernel.
    Copied,
    /// Not known.
    Unknown,
}

impl SharingVerdict {
    /// The name that reports and JSON use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Copied => "copied",
            Self::Unknown => "unknown",
        }
    }
}

impl Sharing {
    /// What became of the bytes; `None` where no zero-copy call moved them.
    #[must_use]
    pub const fn verdict(self) -> Option<SharingVerdict> {
        Some(match self {
            Self::None => return None,
            Self::Pages | Self::CompletedShared => SharingVerdict::Shared,
            Self::DirectIo
            | Self::CopySpliceRead
            | Self::FuseDirectIo
            | Self::PageCacheWrite
            | Self::NoScatterGather
            | Self::KtlsSoftware
            | Self::KtlsDevice
            | Self::CompletedCopied => SharingVerdict::Copied,
            Self::CompletionUnread
            | Self::SocketSource
            | Self::MaybeReflink
            | Self::UnknownSource
            | Self::UnknownSink
            | Self::KtlsUnknown => SharingVerdict::Unknown,
        })
    }

    /// The tags with a verdict, one bit each.
    const fn tags_of(verdict: SharingVerdict) -> u32 {
        let mut tags = 0;
        let mut index = 0;
        while index < Self::ALL.len() {
            let sharing = Self::ALL[index];
            if let Some(found) = sharing.verdict()
                && found as u8 == verdict as u8
            {
                tags |= 1 << sharing as u8;
            }
            index += 1;
        }
        tags
    }

    /// Whether the kernel copied the bytes, by tag.
    #[must_use]
    pub const fn is_copied(tag: u8) -> bool {
        const COPIED: u32 = Sharing::tags_of(SharingVerdict::Copied);
        COPIED >> (tag & 31) & 1 != 0
    }

    /// What became of bytes that came from their source as `source` says and went into their sink
    /// as `sink` says, by tags; a sink without an opinion is [`Sharing::None`].
    ///
    /// A copy on the way is a copy; else a doubt is a doubt.
    #[must_use]
    pub const fn combined(source: u8, sink: u8) -> u8 {
        const UNKNOWN: u32 = Sharing::tags_of(SharingVerdict::Unknown);
        let sink_is_unknown = UNKNOWN >> (sink & 31) & 1 != 0;
        if Self::is_copied(sink) || (sink_is_unknown && !Self::is_copied(source)) {
            sink
        } else {
            source
        }
    }
}

const _: () = {
    // Tags are bits of a word.
    assert!(Sharing::ALL.len() <= 32);
    let mut index = 0;
    while index < Sharing::ALL.len() {
        let tag = Sharing::ALL[index] as u8;
        assert!(Sharing::combined(tag, Sharing::None as u8) == tag);
        index += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::{Sharing, SharingVerdict};

    #[test]
    fn the_worse_half_decides() {
        for source in Sharing::ALL {
            for sink in Sharing::ALL {
                let both = Sharing::combined(*source as u8, *sink as u8);
                let both = Sharing::try_from(both).expect("one of the two");
                assert!(both == *source || both == *sink);
                let halves = [source.verdict(), sink.verdict()];
                let expected = [SharingVerdict::Copied, SharingVerdict::Unknown]
                    .into_iter()
                    .find(|verdict| halves.contains(&Some(*verdict)));
                if expected.is_some() {
                    assert_eq!(both.verdict(), expected, "{source:?} {sink:?}");
                }
            }
        }
    }
}
