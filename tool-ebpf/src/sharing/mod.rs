//! Whether bytes of a zero-copy call were shared, or copied by the kernel.
//!
//! Two halves decide: what the source gives away, and what the sink takes. Both are facts of the
//! files that are looked up when the call returns; what they cannot tell is unknown, not guessed.

mod tcp;

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
const SOCKETS: [EndpointKind; 6] = [
    EndpointKind::Tcp,
    EndpointKind::Udp,
    EndpointKind::Unix,
    EndpointKind::UnixDatagram,
    EndpointKind::Vsock,
    EndpointKind::Socket,
];
/// Kinds whose files may have a `splice_read` of their own.
const READ_BY_SPLICE: [EndpointKind; 4] = [
    EndpointKind::File,
    EndpointKind::Block,
    EndpointKind::Char,
    EndpointKind::Other,
];

/// Address of each `splice_read` that userspace knows, to what it does ([`SpliceRead`]).
#[map(name = "SPLICE_READ")]
static IMPLEMENTATIONS: HashMap<u64, u32> = HashMap::with_max_entries(SPLICE_READS, 0);

/// What became of the bytes of a call. Tags of [`Sharing`].
#[derive(Clone, Copy)]
pub(crate) struct Halves {
    /// On the whole way.
    pub(crate) both: u8,
    /// In the sink: [`Sharing::None`] where it took them by reference.
    pub(crate) taken: u8,
}

/// Looks at both files of a call.
#[inline(always)]
pub(crate) fn of_call(call: u8, source: &Endpoint, sink: &Endpoint) -> Halves {
    let kinds = u64::from(call) | u64::from(source.kind) << 8 | u64::from(sink.kind) << 16;
    let found = sharing_of_call(source.file(), sink.file(), kinds);
    let [both, taken, ..] = found.to_le_bytes();
    Halves { both, taken }
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_of_call(source: u64, sink: u64, kinds: u64) -> u64 {
    let [call, source_kind, sink_kind, ..] = kinds.to_le_bytes();
    let taken = of_sink(call, source, sink, sink_kind) as u8;
    // A copy into the sink is one whatever the source did.
    let both = if Sharing::is_copied(taken) {
        taken
    } else {
        let given = sharing_of_source(source, u64::from(source_kind));
        sharing_combined(given, u64::from(taken)) as u8
    };
    u64::from_le_bytes([both, taken, 0, 0, 0, 0, 0, 0])
}

/// What the sink does with what it is given.
#[inline(always)]
fn of_sink(call: u8, source: u64, sink: u64, kind: u8) -> u64 {
    if kind == EndpointKind::Tcp as u8 {
        tcp::sharing_of_tcp(sink)
    } else if is_one_of(kind, &[EndpointKind::Pipe, EndpointKind::Unix]) {
        Sharing::None as u64
    } else if is_one_of(kind, &[EndpointKind::File, EndpointKind::Block]) {
        let copies_ranges = call == Call::CopyFileRange as u8;
        sharing_of_write(source, u64::from(copies_ranges), sink)
    } else {
        Sharing::UnknownSink as u64
    }
}

/// Whether a kind is among some, in one step.
#[inline(always)]
const fn is_one_of(kind: u8, kinds: &[EndpointKind]) -> bool {
    let mut set = 0u32;
    let mut index = 0;
    while index < kinds.len() {
        set |= 1 << kinds[index] as u8;
        index += 1;
    }
    set >> (kind & 31) & 1 != 0
}

/// [`Sharing::combined`], one number to the verifier.
#[inline(always)]
pub(crate) fn combined(source: u8, sink: u8) -> u8 {
    sharing_combined(u64::from(source), u64::from(sink)) as u8
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_combined(source: u64, sink: u64) -> u64 {
    u64::from(Sharing::combined(source as u8, sink as u8))
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
    let kind = kind as u8;
    if kind == EndpointKind::Pipe as u8 {
        return Sharing::Pages as u64;
    }
    if is_one_of(kind, &SOCKETS) {
        return Sharing::SocketSource as u64;
    }
    if !is_one_of(kind, &READ_BY_SPLICE) {
        return Sharing::UnknownSource as u64;
    }
    let sharing = sharing_of_file(file, u64::from(kind));
    if sharing != Sharing::None as u64 {
        return sharing;
    }
    let below = file_below(file);
    if below == 0 {
        return Sharing::UnknownSource as u64;
    }
    match sharing_of_file(below, u64::from(kind)) {
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
    let kind = kind as u8;
    let inode = inode_of(file);
    let flags: u32 = read(inode, layout!(id_inode), layout!(sharing.inode_flags));
    if is_direct(file) || flags & S_DAX != 0 {
        return Sharing::DirectIo as u64;
    }
    let splice_read = operation(file, layout!(sharing.operations_splice_read));
    // SAFETY: the value is only read, and userspace writes it before anything is attached.
    let Some(found) = (unsafe { IMPLEMENTATIONS.get(splice_read) }) else {
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
    } else if kind == EndpointKind::Block as u8 {
        // `generic_file_splice_read` of `def_blk_fops`: the device's page cache.
        Sharing::Pages as u64
    } else if kind == EndpointKind::File as u8 {
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

/// Writes to a file. If the call `copies_ranges`, the file system may do it
/// (`vfs_copy_file_range` of `fs/read_write.c`).
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sharing_of_write(source: u64, copies_ranges: u64, sink: u64) -> u64 {
    if copies_ranges != 0 {
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
