//! Sockets whose memory a process maps: an `AF_XDP` socket, and one that is not.

use std::io::{Error, Result};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr::{NonNull, null_mut};

const PAGE: usize = 4096;
const FRAMES: usize = 16;

/// Memory that is mapped as long as this lives.
struct Mapping(NonNull<libc::c_void>, usize);

impl Mapping {
    fn new(length: usize, flags: i32, fd: i32, offset: u64) -> Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let offset = offset.cast_signed();
        // SAFETY: a new mapping, wherever the kernel likes.
        let address = unsafe { libc::mmap(null_mut(), length, protection, flags, fd, offset) };
        if address == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        let address = NonNull::new(address).expect("a mapping is not at 0");
        Ok(Self(address, length))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing points into it.
        unsafe { libc::munmap(self.0.as_ptr(), self.1) };
    }
}

/// A socket whose rings this process maps.
pub(crate) struct Rings {
    _mappings: Vec<Mapping>,
    _socket: OwnedFd,
}

impl Rings {
    /// An `AF_XDP` socket with memory for frames and all four rings, bound to no device.
    pub(crate) fn of_af_xdp() -> Result<Self> {
        let socket = socket(libc::AF_XDP, 0)?;
        let frames = Mapping::new(
            FRAMES * PAGE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )?;
        // SAFETY: integers, of which 0 is a value.
        let mut memory: libc::xdp_umem_reg = unsafe { std::mem::zeroed() };
        memory.addr = frames.0.as_ptr() as u64;
        memory.len = (FRAMES * PAGE) as u64;
        memory.chunk_size = PAGE as u32;
        set(&socket, libc::SOL_XDP, libc::XDP_UMEM_REG, &memory)?;
        let mut mappings = vec![frames];
        for (option, offset) in [
            (libc::XDP_UMEM_FILL_RING, libc::XDP_UMEM_PGOFF_FILL_RING),
            (
                libc::XDP_UMEM_COMPLETION_RING,
                libc::XDP_UMEM_PGOFF_COMPLETION_RING,
            ),
            (libc::XDP_RX_RING, libc::XDP_PGOFF_RX_RING.cast_unsigned()),
            (libc::XDP_TX_RING, libc::XDP_PGOFF_TX_RING.cast_unsigned()),
        ] {
            set(&socket, libc::SOL_XDP, option, &(FRAMES as u32))?;
            let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
            mappings.push(Mapping::new(PAGE, flags, socket.as_raw_fd(), offset)?);
        }
        Ok(Self {
            _mappings: mappings,
            _socket: socket,
        })
    }

    /// A packet socket with a ring, bound to no device.
    pub(crate) fn of_packets() -> Result<Self> {
        let socket = socket(libc::AF_PACKET, 0)?;
        let request = libc::tpacket_req {
            tp_block_size: PAGE as u32,
            tp_block_nr: 1,
            tp_frame_size: PAGE as u32 / 2,
            tp_frame_nr: 2,
        };
        set(&socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)?;
        let ring = Mapping::new(PAGE, libc::MAP_SHARED, socket.as_raw_fd(), 0)?;
        Ok(Self {
            _mappings: vec![ring],
            _socket: socket,
        })
    }
}

fn socket(family: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::socket(family, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) };
    if fd < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: it is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn set<T>(socket: &OwnedFd, level: i32, option: i32, value: &T) -> Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    let value = (&raw const *value).cast();
    // SAFETY: the value lives as long as the call.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, length) };
    if result == 0 {
        Ok(())
    } else {
        Err(Error::last_os_error())
    }
}
