//! How bytes of one call were classified: the evidence levels of the accounting.

use crate::decode::tagged;

tagged! {
    /// What happened to a run of bytes, as the kernel half saw it.
    Class("byte class") {
        /// Moved between two endpoints inside the kernel.
        ZeroCopy = 1 => "zero_copy",
        /// Moved into a pipe by reference; counted as zero-copy when it is delivered from there.
        Staged = 2 => "staged",
        /// Read into the process.
        Ingest = 3 => "ingest",
        /// Written from the address it was read to, content unchanged.
        SameBuffer = 4 => "same_buffer",
        /// Written from another address, content and length equal to what was read.
        SameContent = 5 => "same_content",
        /// As long as the thread's last ingest, content different.
        SameSize = 6 => "same_size",
        /// Matches nothing that the process read.
        Generated = 7 => "none",
        /// Could not be looked at: the descriptor or the buffer was gone, or the call had more
        /// pieces than the kernel half walks.
        Unknown = 8 => "unknown",
        /// Written from a mapping of a file, unmodified.
        Mapped = 9 => "mapped",
        /// Begins with the header of a TLS record that fits.
        TlsRecord = 10 => "tls_record",
        /// Sent from the process's memory by reference (`MSG_ZEROCOPY`, `IORING_OP_SEND_ZC`).
        ByReference = 11 => "by_reference",
    }
}
