//! Whether bytes of a zero-copy call were shared, or copied by the kernel.
//!
//! Two halves decide: what the source gives away, and what the sink takes. Both are facts of the
//! files that are looked up when the call returns; what they cannot tell is unknown, not guessed.

use core::ffi::c_void;

use aya_ebpf::{helpers::generated::bpf_probe_read_kernel, macros::map, maps::HashMap};
use copytax_common::{Call, EndpointKind, OverlayFile, SPLICE_READS, Sharing, SpliceRead};

use crate::{arch::O_DIRECT, endpoint::Endpoint, kernel::read, layout::layout};

/// `include/linux/fs.h`
const S_DAX: u32 = 1 << 13;
/// `include/linux/fs.h`: what `vfs_statfs` calls the type of a file system.
const PAGE_CACHE_FILE_SYSTEMS: [u64; 11] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683e, // btrfs
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0xf2f5_2010, // f2fs
    0x6969,      // nfs
    0x7371_7368, // squashfs
    0xe0f5_e1e2, // erofs
    0x4d44,      // fat
    0x9660,      // iso9660
];
/// `include/uapi/linux/magic.h`
const FUSE_SUPER_MAGIC: u64 = 0x6573_5546;
const OVERLAYFS_SUPER_MAGIC: u64 = 0x794c_7630;
/// `include/uapi/linux/fuse.h`
const FOPEN_DIRECT_IO: u32 = 1 << 0;
const FOPEN_PASSTHROUGH: u32 = 1 << 7;
/// `include/linux/netdev_features.h`: the feature with bit 0.
const NETIF_F_SG: u64 = 1;
/// Name of the ULP of kernel TLS, with its end.
const TLS: u32 = u32::from_ne_bytes(*b"tls\0");
/// `tx_conf` of `struct tls_context` (`include/net/tls.h`), and its width.
const TLS_BASE: u8 = 0;
const TLS_SW: u8 = 1;
const TLS_HW: u8 = 2;
const TX_CONF_MASK: u8 = 7;

/// Address of each `splice_read` that userspace knows, to what it does ([`SpliceRead`]).
#[map(name = "SPLICE_READ")]
static IMPLEMENTATIONS: HashMap<u64, u32> = HashMap::with_max_entries(SPLICE_READS, 0);

/// What the source gives away: pages, or copies of its own making. Tag of [`Sharing`].
#[inline(always)]
pub(crate) fn of_source(source: &Endpoint) -> u8 {
    if source.kind.is_socket() {
        return Sharing::SocketSource as u8;
    }
    match source.kind {
        EndpointKind::Pipe => Sharing::Pages as u8,
        EndpointKind::File | EndpointKind::Block | EndpointKind::Char | EndpointKind::Other => {
            sharing_of_source(source.file(), source.kind as u64) as u8
        }
        _ => Sharing::UnknownSource as u8,
    }
}

/// What the sink does with what it is given: [`Sharing::None`] where it takes it by reference.
#[inline(always)]
pub(crate) fn of_sink(call: u8, source: &Endpoint, sink: &Endpoint) -> u8 {
    match sink.kind {
        EndpointKind::Pipe | EndpointKind::Unix => Sharing::None as u8,
        EndpointKind::Tcp => sharing_of_tcp(sink.file()) as u8,
        EndpointKind::File | EndpointKind::Block => {
            let copies_ranges = call == Call::CopyFileRange as u8;
            let source = if copies_ranges { source.file() } else { 0 };
            sharing_of_write(source, sink.file()) as u8
        }
        _ => Sharing::UnknownSink as u8,
    }
}

#[inline(always)]
fn is_direct(file: u64) -> bool {
    read::<u32>(file, layout!(id_file), layout!(sharing.file_flags)) & O_DIRECT != 0
}

#[inline(always)]
fn inode_of(file: u64) -> u64 {
    read(file, layout!(id_file), layout!(file_inode))
}

#[inline(always)]
fn super_block_of(inode: u64) -> u64 {
    read(inode, layout!(id_inode), layout!(inode_sb))
}

/// The function at `offset` in the operations of a file.
#[inline(always)]
fn operation(file: u64, offset: u32) -> u64 {
    let operations: u64 = read(file, layout!(id_file), layout!(sharing.file_operations));
    read(operations, layout!(sharing.id_file_operations), offset)
}

/// Reads a field of a structure that vmlinux need not describe: those of modules.
#[inline(always)]
fn copy<T: Copy + Default>(address: u64, offset: u32) -> Option<T> {
    let mut value = T::default();
    // SAFETY: the destination is a local of the given size; the helper handles faults.
    let failed = unsafe {
        bpf_probe_read_kernel(
            (&raw mut value).cast(),
            size_of::<T>() as u32,
            address.wrapping_add(u64::from(offset)) as *const c_void,
        )
    };
    (failed == 0).then_some(value)
}

/// Reads from a file, or from the one below it where it is one of overlayfs.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_of_source(file: u64, kind: u64) -> u64 {
    let sharing = sharing_of_file(file, kind);
    if sharing != Sharing::None as u64 {
        return sharing;
    }
    let below = file_below(file);
    if below == 0 {
        return Sharing::UnknownSource as u64;
    }
    match sharing_of_file(below, kind) {
        // An overlay on an overlay.
        0 => Sharing::UnknownSource as u64,
        sharing => sharing,
    }
}

/// As `do_splice_read` of `fs/splice.c` decides (6.5 and later; before, `read_iter` does). Gives
/// [`Sharing::None`] for overlayfs.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_of_file(file: u64, kind: u64) -> u64 {
    let inode = inode_of(file);
    let flags: u32 = read(inode, layout!(id_inode), layout!(sharing.inode_flags));
    if is_direct(file) || flags & S_DAX != 0 {
        return Sharing::DirectIo as u64;
    }
    let splice_read = operation(file, layout!(sharing.operations_splice_read));
    // SAFETY: the value is only read, and userspace writes it before anything is attached.
    let Some(found) = (unsafe { IMPLEMENTATIONS.get(&splice_read) }) else {
        return Sharing::UnknownSource as u64;
    };
    let found = *found;
    if found == SpliceRead::PageCache as u32 {
        Sharing::Pages as u64
    } else if found == SpliceRead::Copy as u32 {
        Sharing::CopySpliceRead as u64
    } else if found == SpliceRead::Overlay as u32 {
        Sharing::None as u64
    } else if found == SpliceRead::Fuse as u32 {
        of_fuse(file, Sharing::UnknownSource)
    } else if kind == EndpointKind::Block as u64 {
        // `generic_file_splice_read` of `def_blk_fops`: the device's page cache.
        Sharing::Pages as u64
    } else if kind == EndpointKind::File as u64 {
        of_read_iter(file, inode)
    } else {
        Sharing::UnknownSource as u64
    }
}

/// `generic_file_splice_read` (before 6.5): what `read_iter` does is the file system's.
#[inline(always)]
fn of_read_iter(file: u64, inode: u64) -> u64 {
    let super_block = super_block_of(inode);
    let magic: u64 = read(
        super_block,
        layout!(id_super_block),
        layout!(sharing.super_magic),
    );
    if magic == FUSE_SUPER_MAGIC {
        return of_fuse(file, Sharing::FuseDirectIo);
    }
    if magic == OVERLAYFS_SUPER_MAGIC {
        return Sharing::None as u64;
    }
    let mut sharing = Sharing::UnknownSource;
    for known in PAGE_CACHE_FILE_SYSTEMS {
        if magic == known {
            sharing = Sharing::Pages;
        }
    }
    sharing as u64
}

/// A file of FUSE: from the page cache, unless it is open with `FOPEN_DIRECT_IO` (`direct`) or
/// passes through to another file.
///
/// With `FOPEN_DIRECT_IO`, `fuse_splice_read` goes through the page cache all the same, or makes
/// copies, as releases of the same kernel version differ.
#[inline(always)]
fn of_fuse(file: u64, direct: Sharing) -> u64 {
    let offset = layout!(sharing.fuse_file_open_flags);
    if offset == 0 {
        return Sharing::UnknownSource as u64;
    }
    let fuse_file: u64 = read(file, layout!(id_file), layout!(file_private_data));
    match copy::<u32>(fuse_file, offset) {
        Some(flags) if flags & FOPEN_DIRECT_IO != 0 => direct as u64,
        Some(flags) if flags & FOPEN_PASSTHROUGH == 0 => Sharing::Pages as u64,
        _ => Sharing::UnknownSource as u64,
    }
}

/// The file that a file of overlayfs reads from (`fs/overlayfs/file.c`), 0 where it is not known.
#[inline(always)]
fn file_below(file: u64) -> u64 {
    let private: u64 = read(file, layout!(id_file), layout!(file_private_data));
    let kind = layout!(sharing.overlay_file);
    if kind == OverlayFile::RealFile as u32 {
        return private;
    }
    if kind != OverlayFile::OvlFile as u32 {
        return 0;
    }
    // Where the file was copied up after it was opened, it is one of two.
    match copy::<u64>(private, layout!(sharing.ovl_file_upperfile)) {
        Some(0) => copy(private, layout!(sharing.ovl_file_realfile)).unwrap_or(0),
        _ => 0,
    }
}

/// Writes to a file. With a `source` it may be the file system that copies
/// (`vfs_copy_file_range` of `fs/read_write.c`).
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_of_write(source: u64, sink: u64) -> u64 {
    if source != 0 {
        let of_sink = operation(sink, layout!(sharing.operations_copy_file_range));
        let of_source = operation(source, layout!(sharing.operations_remap_file_range));
        let is_same = super_block_of(inode_of(source)) == super_block_of(inode_of(sink));
        if of_sink != 0 || (of_source != 0 && is_same) {
            return Sharing::MaybeReflink as u64;
        }
    }
    if is_direct(sink) {
        // The device may take the pages as they are, or the file system may write them buffered.
        return Sharing::UnknownSink as u64;
    }
    Sharing::PageCacheWrite as u64
}

/// Sends by TCP (`tcp_sendmsg_locked` of `net/ipv4/tcp.c`; before 6.5 `tcp_sendpage_locked`), or
/// by its ULP.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_of_tcp(file: u64) -> u64 {
    let socket: u64 = read(file, layout!(id_file), layout!(file_private_data));
    let sock: u64 = read(socket, layout!(id_socket), layout!(socket_sk));
    if layout!(sharing.sock_route_caps) == 0 || layout!(sharing.icsk_ulp_ops) == 0 {
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
    let features: u64 = read(sock, layout!(id_sock), layout!(sharing.sock_route_caps));
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
