//! What samples tell of open files.

use core::mem::offset_of;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use copytax_common::{FileFacts, SAMPLE_PATH, SampleHeader};

use super::{
    is_on,
    record::{get, put, record_at},
};
use crate::{
    endpoint::{AF_INET, AF_INET6, Endpoint},
    kernel::{copy, untyped},
    layout::layout,
    sample::masked,
    transfers,
};

/// Which file of a record.
pub(super) const SOURCE: u64 = 0;
pub(super) const SINK: u64 = 1;

/// Names of a path that are recorded at most.
const NAMES: usize = 32;

#[inline(always)]
fn facts_at(slot: u64, which: u64) -> Option<*mut FileFacts> {
    let record = record_at(slot)?;
    // Without a branch, which the verifier would follow for each of the two.
    // SAFETY: the sink's facts follow on the source's, and the record belongs to this CPU.
    Some(unsafe { (&raw mut (*record).header.source_file).add(masked::<1>(which)) })
}

const _: () = assert!(
    offset_of!(SampleHeader, sink_file)
        == offset_of!(SampleHeader, source_file) + size_of::<FileFacts>()
);

/// Writes a field, as `put` of records.
macro_rules! set {
    ($facts:expr, $field:ident, $value:expr) => {{
        let value = $value;
        // SAFETY: the record belongs to this CPU.
        unsafe { (&raw mut (*$facts).$field).write_volatile(value) };
    }};
}

/// Writes down an open file, by the address of its `struct file`; 0 is none.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sample_file(slot: u64, which: u64, file: u64) -> u64 {
    if !is_on() {
        return 0;
    }
    let Some(facts) = facts_at(slot, which) else {
        return 0;
    };
    set!(facts, inode, 0);
    set!(facts, device, 0);
    set!(facts, mount, 0);
    set!(facts, kind, 0);
    set!(facts, padding, 0);
    set!(facts, family, 0);
    set!(facts, local_port, 0);
    set!(facts, peer_port, 0);
    set!(facts, path_len, 0);
    set!(facts, path_cut, 0);
    set!(facts, padding_end, 0);
    if file == 0 {
        return 0;
    }
    let endpoint = Endpoint::of_file(file);
    let (inode, device) = endpoint.inode_and_device();
    set!(facts, inode, inode);
    set!(facts, device, device);
    set!(facts, kind, endpoint.kind);
    if endpoint.is_socket() {
        sample_socket(slot, which, untyped(endpoint.sock()));
    } else {
        sample_path(slot, which, file);
    }
    0
}

/// Writes down the addresses of a socket, by the address of its `struct sock`.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sample_socket(slot: u64, which: u64, sock: u64) -> u64 {
    let Some(facts) = facts_at(slot, which) else {
        return 0;
    };
    let at = |offset: u32| sock.wrapping_add(u64::from(offset));
    let family: u16 = copy(at(layout!(sock_family)));
    set!(facts, family, family);
    let (local, peer) = if family == AF_INET {
        (layout!(sample.sock_rcv_saddr), layout!(sample.sock_daddr))
    } else if family == AF_INET6 && layout!(sample.sock_v6_daddr) != 0 {
        (
            layout!(sample.sock_v6_rcv_saddr),
            layout!(sample.sock_v6_daddr),
        )
    } else {
        return 0;
    };
    set!(facts, local_port, copy::<u16>(at(layout!(sample.sock_num))));
    let peer_port: u16 = copy(at(layout!(sample.sock_dport)));
    set!(facts, peer_port, u16::from_be(peer_port));
    // Of IPv4 addresses the rest means nothing.
    set_address(facts, at(local), at(peer));
    0
}

#[inline(always)]
fn set_address(facts: *mut FileFacts, local: u64, peer: u64) {
    // SAFETY: the record belongs to this CPU; addresses have two words, and are aligned.
    unsafe {
        let to = (&raw mut (*facts).local).cast::<u64>();
        to.write_volatile(copy(local));
        to.add(1).write_volatile(copy(local.wrapping_add(8)));
        let to = (&raw mut (*facts).peer).cast::<u64>();
        to.write_volatile(copy(peer));
        to.add(1).write_volatile(copy(peer.wrapping_add(8)));
    }
}

/// Writes down the names from a file up to the root of its mount.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn sample_path(slot: u64, which: u64, file: u64) -> u64 {
    let Some(facts) = facts_at(slot, which) else {
        return 0;
    };
    let pointer = |at: u64, offset: u32| copy::<u64>(at.wrapping_add(u64::from(offset)));
    let mount = pointer(file, layout!(sample.file_path_mnt));
    let root = pointer(mount, layout!(sample.vfsmount_root));
    if layout!(sample.vfsmount_to_id) != 0 {
        let id = mount.wrapping_add(u64::from(layout!(sample.vfsmount_to_id)));
        set!(facts, mount, copy::<u32>(id));
    }
    set!(facts, path_cut, 1);
    let mut dentry = pointer(file, layout!(sample.file_path_dentry));
    for _ in 0..NAMES {
        if dentry == root || dentry == 0 {
            set!(facts, path_cut, 0);
            break;
        }
        if !add_name(facts, pointer(dentry, layout!(sample.dentry_name))) {
            break;
        }
        let parent = pointer(dentry, layout!(sample.dentry_parent));
        if parent == dentry {
            set!(facts, path_cut, 0);
            break;
        }
        dentry = parent;
    }
    0
}

/// Adds a name; `false` where there is no room for it.
#[inline(always)]
fn add_name(facts: *mut FileFacts, name: u64) -> bool {
    // SAFETY: the record belongs to this CPU, and the path has the bytes that are said to be left; the
    // helper handles faults.
    unsafe {
        let used = u64::from((&raw const (*facts).path_len).read_volatile());
        let used = masked::<{ SAMPLE_PATH as u64 - 1 }>(used);
        let left = SAMPLE_PATH - used;
        let to = (&raw mut (*facts).path).cast::<u8>().add(used);
        let length = bpf_probe_read_kernel_str(to.cast(), left as u32, name as *const _);
        // With its NUL. A name that fills what is left may be cut, an empty one is that of a pipe.
        if length >= left as i64 {
            return false;
        }
        if length > 1 {
            (&raw mut (*facts).path_len).write_volatile((used as i64 + length) as u16);
        }
        length > 0
    }
}

/// Writes down the bytes of the transfer that is open at a file, of a record that tells of one.
#[unsafe(no_mangle)]
#[inline(never)]
pub(super) extern "C" fn sample_transfer(slot: u64, file: u64) -> u64 {
    if !is_on() || file == 0 {
        return 0;
    }
    let Some(record) = record_at(slot) else {
        return 0;
    };
    if transfers::is_transferred(get!(record, class)) {
        let bytes = transfers::open_bytes(Endpoint::of_file(file).id());
        put!(record, transfer, bytes);
    }
    0
}
