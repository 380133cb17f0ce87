//! How one finds out whether bytes are shared: implementations of `splice_read`, and the
//! layout of what tells.

use crate::Abi;
use crate::decode::tagged;

tagged! {
    /// What an implementation of `splice_read` does (`struct file_operations`).
    SpliceRead("splice_read") {
        /// Gives pages of the page cache away by reference.
        PageCache = 1 => "page_cache",
        /// Calls `read_iter` (`generic_file_splice_read`, before 6.5): by reference if that reads
        /// from the page cache.
        ReadIter = 2 => "read_iter",
        /// Reads into new pages.
        Copy = 3 => "copy",
        /// FUSE: depends on how the file is open.
        Fuse = 4 => "fuse",
        /// Overlay: what the file below does.
        Overlay = 5 => "overlay",
    }
}

/// Most implementations that userspace tells the kernel half of.
pub const SPLICE_READS: u32 = 64;

/// Offsets in what tells whether bytes are shared, from the running kernel's BTF; 0 where it is not
/// known. None of the members is the first of its structure, if nothing else is said.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the kernel's own name")]
pub struct SharingLayout {
    pub id_file_operations: u32,
    pub operations_splice_read: u32,
    pub operations_remap_file_range: u32,
    pub operations_copy_file_range: u32,
    pub file_operations: u32,
    pub file_flags: u32,
    pub inode_flags: u32,
    pub super_magic: u32,
    pub sock_route_caps: u32,
    pub id_inet_connection_sock: u32,
    pub icsk_ulp_ops: u32,
    pub icsk_ulp_data: u32,
    pub ulp_ops_name: u32,
    pub fuse_file_open_flags: u32,
    /// `tls_context.tx_conf`, a bitfield: its byte, and the bits below it there.
    pub tls_tx_conf: u32,
    pub tls_tx_conf_shift: u32,
    /// `tls_context.zerocopy_sendfile` (5.19 and later), likewise.
    pub tls_zerocopy: u32,
    pub tls_zerocopy_shift: u32,
    /// [`OverlayFile`]
    pub overlay_file: u32,
    /// `ovl_file.realfile`, which may be the first.
    pub ovl_file_realfile: u32,
    pub ovl_file_upperfile: u32,
    /// Explicit padding.
    pub padding: u32,
}

const _: () = assert!(size_of::<SharingLayout>() == 22 * 4 && align_of::<SharingLayout>() == 4);

// SAFETY: repr(C), integers only, the size above equals the sum of the fields.
unsafe impl Abi for SharingLayout {}

/// What `private_data` of an overlay file points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum OverlayFile {
    /// Not known.
    Unknown = 0,
    /// The file below.
    RealFile = 1,
    /// A `struct ovl_file` (6.13 and later).
    OvlFile = 2,
}

impl SharingLayout {
    /// All zero: nothing is known.
    pub const UNKNOWN: Self = Self {
        id_file_operations: 0,
        operations_splice_read: 0,
        operations_remap_file_range: 0,
        operations_copy_file_range: 0,
        file_operations: 0,
        file_flags: 0,
        inode_flags: 0,
        super_magic: 0,
        sock_route_caps: 0,
        id_inet_connection_sock: 0,
        icsk_ulp_ops: 0,
        icsk_ulp_data: 0,
        ulp_ops_name: 0,
        fuse_file_open_flags: 0,
        tls_tx_conf: 0,
        tls_tx_conf_shift: 0,
        tls_zerocopy: 0,
        tls_zerocopy_shift: 0,
        overlay_file: 0,
        ovl_file_realfile: 0,
        ovl_file_upperfile: 0,
        padding: 0,
    };
}
