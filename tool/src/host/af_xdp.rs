//! Which processes move packets by `AF_XDP`: through rings in shared memory, past all calls.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd, RawFd};

use rustix::net::{AddressFamily, sockopt};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// Whether a process maps the rings of an `AF_XDP` socket; `None` where that cannot be known.
///
/// Without its rings a process cannot use such a socket, and a mapping tells the socket's inode.
/// The family of the socket is asked of a duplicate of the process's own descriptor, which is
/// fetched only for the few sockets that are mapped.
#[must_use]
pub fn is_used_by(pid: u32) -> Option<bool> {
    let mapped = mapped_sockets(BufReader::new(
        File::open(format!("/proc/{pid}/maps")).ok()?,
    ))
    .ok()?;
    if mapped.is_empty() {
        return Some(false);
    }
    let pid = Pid::from_raw(pid.try_into().ok()?)?;
    let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    let mut unseen = mapped.clone();
    for (fd, inode) in descriptors(pid).ok()? {
        if !mapped.contains(&inode) {
            continue;
        }
        // A descriptor that was closed meanwhile leaves its socket unseen.
        let Ok(socket) = pidfd_getfd(&process, fd, PidfdGetfdFlags::empty()) else {
            continue;
        };
        match family(&socket) {
            Some(AddressFamily::XDP) => return Some(true),
            Some(_) => {
                unseen.remove(&inode);
            }
            None => {}
        }
    }
    unseen.is_empty().then_some(false)
}

fn family(socket: &OwnedFd) -> Option<AddressFamily> {
    sockopt::socket_domain(socket.as_fd()).ok()
}

/// Inodes of the sockets that `/proc/PID/maps` names.
fn mapped_sockets(maps: impl BufRead) -> io::Result<BTreeSet<u64>> {
    let mut inodes = BTreeSet::new();
    for line in maps.split(b'\n') {
        // A name is the sixth field; those of files begin with a slash.
        let line = line?;
        let mut fields = line
            .split(|&byte| byte == b' ')
            .filter(|field| !field.is_empty());
        let name = fields.nth(5).unwrap_or_default();
        inodes.extend(std::str::from_utf8(name).ok().and_then(inode));
    }
    Ok(inodes)
}

/// Descriptors of a process that are sockets, with their inodes.
fn descriptors(pid: Pid) -> io::Result<Vec<(RawFd, u64)>> {
    let directory = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))?;
    let sockets = directory.flatten().filter_map(|entry| {
        let fd = entry.file_name().to_str()?.parse().ok()?;
        let target = std::fs::read_link(entry.path()).ok()?;
        Some((fd, inode(target.to_str()?)?))
    });
    Ok(sockets.collect())
}

/// The inode in `socket:[INODE]`.
fn inode(name: &str) -> Option<u64> {
    name.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::mapped_sockets;

    #[test]
    fn only_sockets_that_are_mapped() {
        let maps = "\
55e8c0a00000-55e8c0a28000 r--p 00000000 fe:00 1311 /usr/bin/socket:[7]
7f00aa000000-7f00aa400000 rw-p 00000000 00:00 0 
7f00aa400000-7f00aa402000 rw-s 100000000 00:08 4711                      socket:[4711]
7f00aa402000-7f00aa404000 rw-s 180000000 00:08 4711                      socket:[4711]
7f00aa404000-7f00aa406000 rw-s 00000000 00:08 4712                      socket:[4712]
7f00aa406000-7f00aa408000 rw-s 00000000 00:08 9 /a b socket:[9]
7f00aa406000-7f00aa408000 rw-s 00000000 00:08 9 socket:[x]
7ffd4c5f9000-7ffd4c61a000 rw-p 00000000 00:00 0                          [stack]
";
        let inodes = mapped_sockets(maps.as_bytes()).expect("it is in memory");
        assert_eq!(inodes.into_iter().collect::<Vec<_>>(), [4711, 4712]);
    }
}
