//! Where samples find what they tell of files and threads.

use crate::Abi;

/// Offsets in bytes, of the running kernel's BTF. 0 where the kernel has none of it.
///
/// Field names are `structure_member` of the kernel's source.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the kernel's own name")]
pub struct SampleLayout {
    pub task_flags: u32,
    /// `dentry` of `file.f_path`.
    pub file_path_dentry: u32,
    /// `mnt` of `file.f_path`.
    pub file_path_mnt: u32,
    pub vfsmount_root: u32,
    /// From a `vfsmount` to the `mnt_id` of the `mount` that it is a part of.
    pub vfsmount_to_id: u32,
    /// `name` of `dentry.d_name`.
    pub dentry_name: u32,
    pub dentry_parent: u32,
    pub sock_num: u32,
    pub sock_dport: u32,
    pub sock_rcv_saddr: u32,
    pub sock_daddr: u32,
    pub sock_v6_rcv_saddr: u32,
    pub sock_v6_daddr: u32,
}

const _: () = assert!(size_of::<SampleLayout>() == 13 * 4 && align_of::<SampleLayout>() == 4);

impl SampleLayout {
    /// All zero: nothing is known.
    pub const UNKNOWN: Self = Self {
        task_flags: 0,
        file_path_dentry: 0,
        file_path_mnt: 0,
        vfsmount_root: 0,
        vfsmount_to_id: 0,
        dentry_name: 0,
        dentry_parent: 0,
        sock_num: 0,
        sock_dport: 0,
        sock_rcv_saddr: 0,
        sock_daddr: 0,
        sock_v6_rcv_saddr: 0,
        sock_v6_daddr: 0,
    };
}

// SAFETY: repr(C), integers only, the size above equals the sum of the fields.
unsafe impl Abi for SampleLayout {}
