//! What `ethtool -K` does.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

/// `include/uapi/linux/ethtool.h`
const ETHTOOL_SSG: u32 = 0x19;
/// `include/uapi/linux/sockios.h`
const SIOCETHTOOL: libc::c_ulong = 0x8946;

/// `struct ethtool_value`
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// `ethtool -K DEVICE sg on|off`, in the network namespace of this thread.
pub(crate) fn set_scatter_gather(device: &str, on: bool) -> io::Result<()> {
    let mut value = Value {
        command: ETHTOOL_SSG,
        data: u32::from(on),
    };
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: a call on memory that lives as long as it runs, of the kernel's layout.
    let result = unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(device.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        libc::ioctl(socket.as_raw_fd(), SIOCETHTOOL, &raw mut request)
    };
    if result == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}
