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
        /// The source is open with `O_DIRECT`, or its file system has no page cache (DAX).
        DirectIo = 3 => "direct_io",
        /// The source's `splice_read` reads into new pages (`copy_splice_read` and its ancestors).
        CopySpliceRead = 4 => "copy_splice_read",
        /// The source is a FUSE file open with `FOPEN_DIRECT_IO`.
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
        /// A clone shares extents; whether it came to that is not known.
        MaybeReflink = 13 => "maybe_reflink",
        /// The source's `splice_read` is not known.
        UnknownSource = 14 => "unknown_source",
        /// What the sink does with pages is not known.
        UnknownSink = 15 => "unknown_sink",
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
            | Self::UnknownSink => SharingVerdict::Unknown,
        })
    }
}
