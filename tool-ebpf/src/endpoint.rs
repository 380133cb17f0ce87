//! What a descriptor, or an open file, leads to.

use copytax_common::EndpointKind;

use crate::{
    kernel::{Task, load, number, read},
    layout::layout,
    relay::Origin,
    sample::mix,
};

/// `include/uapi/linux/stat.h`
pub(crate) const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;
pub(crate) const S_IFREG: u16 = 0o100_000;
const S_IFBLK: u16 = 0o060_000;
const S_IFCHR: u16 = 0o020_000;
const S_IFIFO: u16 = 0o010_000;

/// `include/linux/socket.h`
const AF_UNIX: u16 = 1;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;
const AF_VSOCK: u16 = 40;
const SOCK_STREAM: u16 = 1;
/// `include/uapi/linux/in.h`
pub(crate) const IPPROTO_TCP: u16 = 6;
pub(crate) const IPPROTO_UDP: u16 = 17;
pub(crate) const IPPROTO_MPTCP: u16 = 262;

/// `FMODE_WRITE` of `include/linux/fs.h`.
const FMODE_WRITE: u32 = 2;

/// A descriptor's file.
#[derive(Clone, Copy)]
pub(crate) struct Endpoint {
    /// [`EndpointKind`]: a number that the verifier does not know, or it would look at all that
    /// follows once for each kind.
    pub(crate) kind: u8,
    file: u64,
    inode: u64,
}

impl Endpoint {
    const UNKNOWN: Self = Self {
        kind: EndpointKind::Unknown as u8,
        file: 0,
        inode: 0,
    };

    /// Looks descriptor `fd` of `task` up.
    #[inline(always)]
    pub(crate) fn of(task: Task, fd: u64) -> Self {
        // A descriptor is an int: the upper half of the register means nothing.
        let fd = u64::from(fd as u32);
        let files = task.pointer(layout!(task_files));
        let table: *const u8 = load(files, layout!(files_fdt));
        if fd >= u64::from(load::<u32>(table, layout!(fdt_max_fds))) {
            return Self::UNKNOWN;
        }
        let array: u64 = load(table, layout!(fdt_fd));
        Self::of_file(number(array.wrapping_add(fd * 8)))
    }

    /// That of an open file, by the address of its `struct file`; 0 is none.
    #[inline(always)]
    pub(crate) fn of_file(file: u64) -> Self {
        if file == 0 {
            return Self::UNKNOWN;
        }
        let inode: u64 = read(file, layout!(id_file), layout!(file_inode));
        let mode: u16 = read(inode, layout!(id_inode), layout!(inode_mode));
        let mut kind = kind_of(mode);
        if kind == EndpointKind::Socket as u8 {
            kind = socket_kind(file) as u8;
        }
        Self { kind, file, inode }
    }

    /// The address of its `struct file`.
    #[inline(always)]
    pub(crate) const fn file(&self) -> u64 {
        self.file
    }

    /// Whether it is a socket of any family.
    #[inline(always)]
    pub(crate) const fn is_socket(&self) -> bool {
        const SOCKETS: u32 = 1 << EndpointKind::Tcp as u32
            | 1 << EndpointKind::Udp as u32
            | 1 << EndpointKind::Unix as u32
            | 1 << EndpointKind::UnixDatagram as u32
            | 1 << EndpointKind::Vsock as u32
            | 1 << EndpointKind::Socket as u32;
        SOCKETS >> (self.kind & 31) & 1 != 0
    }

    /// Whether the file is open for writing.
    #[inline(always)]
    pub(crate) fn is_writable(&self) -> bool {
        read::<u32>(self.file, layout!(id_file), layout!(file_mode)) & FMODE_WRITE != 0
    }

    /// `struct sock` of a socket.
    #[inline(always)]
    pub(crate) fn sock(&self) -> u64 {
        sock_of(self.file)
    }

    /// Stands for the open file, never 0. Structures of files are used again; the inode's number tells
    /// such files apart, unless one is opened twice.
    #[inline(always)]
    pub(crate) fn id(&self) -> u64 {
        let number: u64 = read(self.inode, layout!(id_inode), layout!(inode_ino));
        mix(self.file ^ number.rotate_left(32)) | 1
    }

    /// What is read from it comes from here.
    #[inline(always)]
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            source: self.kind,
            file: self.id() as u32,
        }
    }

    /// Inode number and device: what identifies a pipe while it exists.
    #[inline(always)]
    pub(crate) fn inode_and_device(&self) -> (u64, u32) {
        let number = read(self.inode, layout!(id_inode), layout!(inode_ino));
        let superblock: u64 = read(self.inode, layout!(id_inode), layout!(inode_sb));
        let device = read(superblock, layout!(id_super_block), layout!(super_dev));
        (number, device)
    }
}

#[inline(always)]
fn sock_of(file: u64) -> u64 {
    let socket: u64 = read(file, layout!(id_file), layout!(file_private_data));
    read(socket, layout!(id_socket), layout!(socket_sk))
}

/// Kinds by type of inode (the upper four bits of its mode). Sockets are looked at more closely.
static KINDS: [u8; 16] = {
    let mut kinds = [EndpointKind::Other as u8; 16];
    kinds[(S_IFREG >> S_IFMT_SHIFT) as usize] = EndpointKind::File as u8;
    kinds[(S_IFSOCK >> S_IFMT_SHIFT) as usize] = EndpointKind::Socket as u8;
    kinds[(S_IFIFO >> S_IFMT_SHIFT) as usize] = EndpointKind::Pipe as u8;
    kinds[(S_IFCHR >> S_IFMT_SHIFT) as usize] = EndpointKind::Char as u8;
    kinds[(S_IFBLK >> S_IFMT_SHIFT) as usize] = EndpointKind::Block as u8;
    kinds
};

const S_IFMT_SHIFT: u32 = S_IFMT.trailing_zeros();

#[inline(always)]
fn kind_of(mode: u16) -> u8 {
    // SAFETY: a `u16` has no more types than the table; a volatile read keeps it in .rodata.
    unsafe {
        (&raw const KINDS)
            .cast::<u8>()
            .add((mode >> S_IFMT_SHIFT) as usize)
            .read_volatile()
    }
}

/// The [`EndpointKind`] of a socket's file.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn socket_kind(file: u64) -> u64 {
    let sock = sock_of(file);
    let family: u16 = read(sock, layout!(id_sock), layout!(sock_family));
    let protocol: u16 = read(sock, layout!(id_sock), layout!(sock_protocol));
    let kind = match family {
        AF_INET | AF_INET6 => match protocol {
            IPPROTO_TCP | IPPROTO_MPTCP => EndpointKind::Tcp,
            IPPROTO_UDP => EndpointKind::Udp,
            _ => EndpointKind::Socket,
        },
        AF_UNIX => {
            if read::<u16>(sock, layout!(id_sock), layout!(sock_type)) == SOCK_STREAM {
                EndpointKind::Unix
            } else {
                EndpointKind::UnixDatagram
            }
        }
        AF_VSOCK => EndpointKind::Vsock,
        _ => EndpointKind::Socket,
    };
    kind as u64
}
